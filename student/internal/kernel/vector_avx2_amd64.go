// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_vector.go

var vectors = detectVectors()

func detectVectors() *vectorLoops {
	if !cpu.X86.HasAVX2 {
		return nil
	}
	return &vectorLoops{
		relu: avx2Relu, reluGrad: avx2ReluGrad,
		scal: avx2Scal, add: avx2Add, axpy: avx2Axpy,
		addTo: avx2AddTo, mulTo: avx2MulTo, addMul: avx2AddMul, addScaled: avx2AddScaled,
		adamW: avx2AdamW, exp: avx2Exp, takeLarger: avx2TakeLarger,
		normalize: avx2Normalize, normalizeGrad: avx2NormalizeGrad,
		sum: avx2Sum, dot: avx2Dot,
	}
}

func avx2Relu(blocks int, y, x *float32)

func avx2ReluGrad(blocks int, dx, dy, y *float32)

func avx2Scal(blocks int, x *float32, a float32)

func avx2Add(blocks int, y, x *float32)

func avx2Axpy(blocks int, y, x *float32, a float32)

func avx2AddTo(blocks int, c, a, b *float32)

func avx2MulTo(blocks int, c, a, b *float32)

func avx2AddMul(blocks int, c, a, b *float32)

func avx2AddScaled(blocks int, c, a, b *float32, s float32)

func avx2AdamW(blocks int, w, grad, m, v *float32, beta1, rest1, beta2, rest2, keep, step, root, eps float32)

func avx2Exp(blocks int, y, x *float32)

func avx2Sum(blocks int, x *float32) float64

func avx2Dot(blocks int, x, y *float32) float64

func avx2TakeLarger(blocks int, y, arg, v *float32, at float32)

func avx2Normalize(blocks int, y, x *float32, mean, a, o float32)

func avx2NormalizeGrad(blocks int, dx, dy, x *float32, mean, a, u, v float32)
