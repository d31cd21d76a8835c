// SPDX-License-Identifier: Apache-2.0

// Package pb is the wire format of ONNX, generated from onnx.proto.
//
// onnx.proto is the file of the ONNX project with its proto package renamed to
// kdcompress.onnx. The bytes on disk do not carry the package name, so files
// stay interchangeable; the registry of protobuf types does, and two packages
// that both call themselves "onnx" panic when they meet in one program.
//
// Regenerating needs protoc 3.21.12 and protoc-gen-go v1.36.12 (the version of
// google.golang.org/protobuf in go.mod).
package pb

//go:generate go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//go:generate protoc --go_out=. --go_opt=paths=source_relative --go_opt=Monnx.proto=github.com/kdcompress/kdcompress/onnx/internal/pb onnx.proto
