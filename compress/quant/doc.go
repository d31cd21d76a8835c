// SPDX-License-Identifier: Apache-2.0

// Package quant turns a float32 model into smaller ones of the same interface:
// static and dynamic int8 in the forms that ONNX Runtime computes with integers,
// and float16. One operator rule and one calibrator live in one file each.
//
// Static int8 goes in four steps: Prepare folds what stands between layers, NewPlan
// decides which nodes and tensors become integers and says why the others do not,
// Plan.Observe runs samples through the model and gathers a histogram of every
// such tensor, and Plan.Static writes the model with QuantizeLinear and
// DequantizeLinear around those nodes. Weights are stored as int8.
package quant
