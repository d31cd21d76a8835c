// SPDX-License-Identifier: Apache-2.0

package quant

// Functions of one number become a table of 256 entries.
var (
	_ = addRule(rule{Op: "Sigmoid", Role: arithmetic, Since: 10, Fused: []string{"QLinearSigmoid"}})
	_ = addRule(rule{Op: "LeakyRelu", Role: arithmetic, Since: 10, Fused: []string{"QLinearLeakyRelu"}})
)
