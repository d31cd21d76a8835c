// SPDX-License-Identifier: Apache-2.0

package kernel

// Transpose2D sets dst[cols, rows] to the transpose of src[rows, cols].
func Transpose2D[T Float](dst, src []T, rows, cols int) {
	const tile = 16 // a tile of either matrix stays in the innermost cache
	for i0 := 0; i0 < rows; i0 += tile {
		i1 := min(i0+tile, rows)
		for j0 := 0; j0 < cols; j0 += tile {
			j1 := min(j0+tile, cols)
			for j := j0; j < j1; j++ {
				d := dst[j*rows+i0 : j*rows+i1]
				p := i0*cols + j
				for i := range d {
					d[i] = src[p]
					p += cols
				}
			}
		}
	}
}
