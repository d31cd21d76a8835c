// SPDX-License-Identifier: Apache-2.0

package kernel

// Turn sets dst[cols, rows] to the transpose of src[rows, cols].
func Turn[T Float](dst, src []T, rows, cols int) {
	if n := rows * cols; rows == 1 || cols == 1 {
		copy(dst[:n], src[:n])
		return
	}
	dst, src = dst[:rows*cols], src[:rows*cols]
	turn(dst, rows, src, cols, rows, cols)
}

// TurnStrided sets dst, whose rows lie ds apart, to the transpose of src[rows, cols],
// whose rows lie ld apart.
func TurnStrided[T Float](dst []T, ds int, src []T, ld, rows, cols int) {
	turn(dst[:(cols-1)*ds+rows], ds, src[:(rows-1)*ld+cols], ld, rows, cols)
}
