// SPDX-License-Identifier: Apache-2.0

package kernel

// tileGo is the plain form of a micro-kernel. It sets the tile of C, rows by
// cols, to alpha*A*B + beta*C, and does not read C where beta is zero. Element
// i, p of A is a[i*ars + p*acs]; element p, j of B is b[p*bs + j]; k is at least
// one. Every sum runs over p in order. The vectorised forms read B up to the
// next multiple of their vectors.
func tileGo(rows, cols, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	var sum [64]float32
	for i := 0; i < rows; i++ {
		clear(sum[:cols])
		for p := 0; p < k; p++ {
			x := a[i*ars+p*acs]
			for j, v := range b[p*bs : p*bs+cols] {
				sum[j] += x * v
			}
		}
		for j, v := range sum[:cols] {
			v *= alpha
			if beta != 0 {
				v += beta * c[i*ldc+j]
			}
			c[i*ldc+j] = v
		}
	}
}
