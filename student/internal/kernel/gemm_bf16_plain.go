// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// FastBF16 says whether GemmBF16 is faster than Gemm on this machine.
const FastBF16 = false

var halves *halfTiling
