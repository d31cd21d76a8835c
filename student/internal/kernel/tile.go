// SPDX-License-Identifier: Apache-2.0

package kernel

// tileCols is the width of the tiles of tileGo.
const tileCols = 16

// tileGo is the plain form of a micro-kernel. It sets the tile of C, rows by
// tileCols, to alpha*A*B + beta*C, and does not read C where beta is zero.
// Element i, p of A is a[i*ars + p*acs]; element p, j of B is b[p*bs + j]; k is
// at least one. Every sum runs over p in order.
func tileGo(rows, k int, a []float32, ars, acs int, b []float32, bs int, c []float32, ldc int, alpha, beta float32) {
	for i := 0; i < rows; i++ {
		var sum [tileCols]float32
		for p := 0; p < k; p++ {
			x := a[i*ars+p*acs]
			for j, v := range b[p*bs : p*bs+tileCols] {
				sum[j] += x * v
			}
		}
		for j, v := range sum {
			v *= alpha
			if beta != 0 {
				v += beta * c[i*ldc+j]
			}
			c[i*ldc+j] = v
		}
	}
}
