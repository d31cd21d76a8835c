// SPDX-License-Identifier: Apache-2.0

// Package onnx holds an ONNX model as Go values: it loads, checks and saves
// files and knows nothing of arithmetic. Most users need Load, Check and Save.
//
// The format is the one of https://github.com/onnx/onnx/blob/main/docs/IR.md.
package onnx
