// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gonum's products start goroutines from four blocks of 64 by 64 on; strips of
// these sizes keep them on the calling one.
const (
	gonumRows = 64
	gonumCols = 192
)

func gonumSgemm(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	for i := 0; i < m; i += gonumRows {
		for j := 0; j < n; j += gonumCols {
			gonum.Implementation{}.Sgemm(transposed(transA), transposed(transB), min(gonumRows, m-i), min(gonumCols, n-j), k,
				alpha, a[corner(transA, i, 0, lda):], lda, b[corner(transB, 0, j, ldb):], ldb, beta, c[i*ldc+j:], ldc)
		}
	}
}

func gonumDgemm(transA, transB bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	for i := 0; i < m; i += gonumRows {
		for j := 0; j < n; j += gonumCols {
			gonum.Implementation{}.Dgemm(transposed(transA), transposed(transB), min(gonumRows, m-i), min(gonumCols, n-j), k,
				alpha, a[corner(transA, i, 0, lda):], lda, b[corner(transB, 0, j, ldb):], ldb, beta, c[i*ldc+j:], ldc)
		}
	}
}

func transposed(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// corner is where element row, col of op(X) lies in memory.
func corner(trans bool, row, col, ld int) int {
	if trans {
		return col*ld + row
	}
	return row*ld + col
}
