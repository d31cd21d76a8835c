// SPDX-License-Identifier: Apache-2.0

// Package ort runs ONNX models in ONNX Runtime on the CPU: it finds the shared
// library, opens sessions from bytes, feeds and fetches tensors, runs many
// batches over several workers, and binds buffers for latency measurement.
//
// A program calls Find, Init with the path found, then Open or Map.
package ort
