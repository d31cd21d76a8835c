// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// vectorLoops are the loops over float32 slices that this machine runs several
// elements at a time, as many blocks of vectorBlock elements as they are told,
// at least one. They yield the bits of the plain loops they stand for.
type vectorLoops struct {
	name                           string
	sum                            func(blocks int, x *float32) float64
	dot                            func(blocks int, x, y *float32) float64
	max                            func(blocks int, x *float32) float32
	relu, add                      func(blocks int, y, x *float32)
	exp, sigmoid, tanh, erf, gelu  func(blocks int, y, x *float32)
	expShifted, swish              func(blocks int, y, x *float32, a float32)
	reluGrad, addTo, mulTo, addMul func(blocks int, c, a, b *float32)
	sigmoidGrad, tanhGrad          func(blocks int, dx, dy, y *float32)
	erfGrad, geluGrad              func(blocks int, dx, dy, x *float32)
	geluTanh                       func(blocks int, y, x *float32)
	geluTanhGrad                   func(blocks int, dx, dy, x *float32)
	hardSwish                      func(blocks int, y, x *float32)
	hardSwishGrad                  func(blocks int, dx, dy, x *float32)
	leakyRelu                      func(blocks int, y, x *float32, alpha float32)
	leakyReluGrad                  func(blocks int, dx, dy, x *float32, alpha float32)
	hardSigmoid                    func(blocks int, y, x *float32, a, b float32)
	clipGrad, hardSigmoidGrad      func(blocks int, dx, dy, x *float32, a, b float32)
	softmaxGrad                    func(blocks int, dx, dy, y *float32, mean float32)
	swishGrad                      func(blocks int, dx, dy, x *float32, alpha float32)
	clip                           func(blocks int, y, x *float32, lo, hi float32)
	between, addBetween            func(blocks int, dx, dy, y *float32, lo, hi float32)
	scal                           func(blocks int, x *float32, a float32)
	axpy                           func(blocks int, y, x *float32, a float32)
	addScaled                      func(blocks int, c, a, b *float32, s float32)
	normalize                      func(blocks int, y, x *float32, mean, a, o float32)
	normalizeGrad                  func(blocks int, dx, dy, x *float32, mean, a, u, v float32)
	takeLarger                     func(blocks int, y, arg, v *float32, at float32)
	adamW                          func(blocks int, w, grad, m, v *float32, beta1, rest1, beta2, rest2, keep, step, root, eps float32)
}

const vectorBlock = 8

// vectorSets are those this machine can run, the best first.
var vectorSets = detectVectors()

// vectors are the best of them, or nil.
var vectors = foremost(vectorSets)

func foremost[T any](all []*T) *T {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// blocksOf is how many blocks at the beginning of x vectors may run over: none
// where it holds float64 or the machine has no such loops.
//
// The plain loops convert products to T before they add them: this forbids the
// compiler to fuse the two, and keeps their bits equal.
func blocksOf[T Float](x []T) int {
	var element T
	if vectors == nil || unsafe.Sizeof(element) != 4 {
		return 0
	}
	return len(x) / vectorBlock
}

// first is the address of a slice of float32.
func first[T Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }
