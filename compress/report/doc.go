// SPDX-License-Identifier: Apache-2.0

// Package report measures a student model against its teacher, both as bytes
// run by ONNX Runtime, and tells the result to people and machines. Measure
// with Compare, Latency, MACs, Contract and Runs; tell with WriteJSON,
// WriteText and WriteHTML.
package report
