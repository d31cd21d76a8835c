// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"runtime"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// Integers are the 8-bit types that suit a processor. Weights are always signed.
type Integers struct {
	// Activation is Uint8 or Int8.
	Activation onnx.DataType
	// Reduced keeps weights within 7 bits: without dot products of 8-bit integers,
	// x86 processors add pairs of products in 16 bits and would saturate.
	Reduced bool
	// Fast says that the processor has such dot products.
	Fast bool
	// Hint says to a person what that means.
	Hint string

	weightBits int // other than 8 or 7, for tests
}

// IntegersHere are the types for this processor. Activations are unsigned on x86,
// whose dot products multiply unsigned with signed bytes: ONNX Runtime converts
// signed ones there and loses layers on the way.
func IntegersHere() Integers { return integersFor(runtime.GOARCH, ort.CPU()) }

func integersFor(arch string, features []string) Integers {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(features, n) })
	}
	switch {
	case arch == "amd64" && has("avx512_vnni", "avx_vnni"):
		return Integers{Activation: onnx.Uint8, Reduced: false, Fast: true, Hint: "the processor has 8-bit dot products (VNNI): int8 products are up to four times as fast as float ones"}
	case arch == "amd64":
		return Integers{Activation: onnx.Uint8, Reduced: true, Fast: false, Hint: "the processor has no 8-bit dot products (VNNI): weights keep to 7 bits, and int8 may bring little speed"}
	case has("asimddp", "i8mm"):
		return Integers{Activation: onnx.Int8, Reduced: false, Fast: true, Hint: "the processor has 8-bit dot products (asimddp)"}
	}
	return Integers{Activation: onnx.Int8, Reduced: false, Fast: false, Hint: "the processor has no 8-bit dot products: int8 may bring little speed"}
}

// weightMost is the largest magnitude of a weight.
func (i Integers) weightMost() float64 {
	if i.weightBits > 0 {
		return float64(int(1)<<(i.weightBits-1)) - 1
	}
	if i.Reduced {
		return 63
	}
	return 127
}

// ends are the smallest and largest integer of an activation.
func (i Integers) ends() (lo, hi float64) {
	if i.Activation == onnx.Int8 {
		return -128, 127
	}
	return 0, 255
}
