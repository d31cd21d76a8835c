// SPDX-License-Identifier: Apache-2.0

// Package rewrite turns one ONNX graph into another of the same meaning. Every
// exported function that takes a model works on a clone and leaves its argument
// as it was. One rewrite lives in one file; the ones that every model goes
// through are listed in passes.go.
package rewrite
