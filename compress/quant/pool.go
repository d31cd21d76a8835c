// SPDX-License-Identifier: Apache-2.0

package quant

// Averages over a picture become QLinearGlobalAveragePool and QLinearAveragePool.
// The largest of integers under one scale is one of them.
var (
	_ = addRule(rule{Op: "GlobalAveragePool", Role: arithmetic, Since: 10, Fused: []string{"QLinearGlobalAveragePool"}})
	_ = addRule(rule{Op: "AveragePool", Role: arithmetic, Since: 10, Fused: []string{"QLinearAveragePool"}})
	_ = addRule(rule{Op: "MaxPool", Role: movement, Since: 12})
)
