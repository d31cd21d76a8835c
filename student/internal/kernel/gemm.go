// SPDX-License-Identifier: Apache-2.0

package kernel

// Gemm sets C[m,n] to alpha*op(A)*op(B) + beta*C, all matrices row-major with
// leading dimensions lda, ldb and ldc. op(A) is m by k: A is stored [m,k], or
// [k,m] with transA; op(B) is k by n: B is stored [k,n], or [n,k] with transB.
//
// With beta zero C is written, not read: a NaN in it does not survive. With k or
// alpha zero A and B are not read. C must not overlap A or B. The result depends
// on the operands and on the machine's instruction set, on nothing else. It
// panics where a slice is too short for its matrix.
func Gemm[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if !begins(false, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		return
	}
	switch a := any(a).(type) {
	case []float32:
		sgemm := gonumSgemm
		if fast != nil {
			sgemm = tiledSgemm
		}
		sgemm(transA, transB, m, n, k, float32(alpha), a, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), ldc)
	case []float64:
		gonumDgemm(transA, transB, m, n, k, float64(alpha), a, lda, any(b).([]float64), ldb, float64(beta), any(c).([]float64), ldc)
	}
}

// begins checks the matrices of a product and says whether there is anything to
// multiply; where there is not, C is complete. With overlap rows of A may begin within
// those before.
func begins[T Float](overlap, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) bool {
	if m < 0 || n < 0 || k < 0 {
		panic("kernel: a matrix product of negative size")
	}
	if m == 0 || n == 0 {
		return false
	}
	if !holds(m, n, ldc, len(c)) {
		panic("kernel: slice too short for matrix C")
	}
	if k == 0 || alpha == 0 {
		scaleRows(m, n, beta, c, ldc)
		return false
	}
	rows, cols := stored(transA, m, k)
	if len(a) < (rows-1)*lda+cols || lda < cols && !overlap {
		panic("kernel: slice too short for matrix A")
	}
	if rows, cols := stored(transB, k, n); !holds(rows, cols, ldb, len(b)) {
		panic("kernel: slice too short for matrix B")
	}
	return true
}

// stored is the size of a matrix as it lies in memory.
func stored(trans bool, rows, cols int) (int, int) {
	if trans {
		return cols, rows
	}
	return rows, cols
}

// holds says whether n elements hold a matrix of rows times cols.
func holds(rows, cols, ld, n int) bool {
	return ld >= cols && n >= (rows-1)*ld+cols
}

// scaleRows multiplies C by beta; zero clears it.
func scaleRows[T Float](m, n int, beta T, c []T, ldc int) {
	if beta == 1 {
		return
	}
	for i := 0; i < m; i++ {
		row := c[i*ldc : i*ldc+n]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// Product is Gemm or GemmBF16.
type Product[T Float] func(transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)

// ProductOf is the product with operands rounded to bfloat16, or with operands as
// they are.
func ProductOf[T Float](bf16 bool) Product[T] {
	if bf16 {
		return GemmBF16[T]
	}
	return Gemm[T]
}
