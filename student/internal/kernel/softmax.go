// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// RowSoftmax sets every row of y[rows, cols] to the softmax of the row of x.
// The row's maximum is subtracted first, so that no exponential overflows. x and
// y may be one slice.
func RowSoftmax[T Float](y, x []T, rows, cols int) {
	for r := 0; r < rows; r++ {
		in, out := x[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		expShifted(out, in, rowMax(in))
		Scal(out, T(1/Sum(out)))
	}
}

// RowSoftmaxGrad adds to dx[rows, cols] the gradient of RowSoftmax, given its
// output y and the gradient dy of that.
func RowSoftmaxGrad[T Float](dx, dy, y []T, rows, cols int) {
	for r := 0; r < rows; r++ {
		d, g, p := dx[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		mean := T(Dot(g, p))
		n := blocksOf(d)
		if n > 0 {
			vectors.softmaxGrad(n, first(d), first(g), first(p), float32(mean))
		}
		for i := n * vectorBlock; i < len(d); i++ {
			d[i] += T(p[i] * (g[i] - mean))
		}
	}
}

// RowLogSoftmax sets every row of y[rows, cols] to the logarithm of the softmax
// of the row of x. x and y must not overlap.
func RowLogSoftmax[T Float](y, x []T, rows, cols int) {
	for r := 0; r < rows; r++ {
		in, out := x[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		top := rowMax(in)
		expShifted(out, in, top)
		shift := T(math.Log(Sum(out)))
		for i, v := range in {
			out[i] = v - top - shift
		}
	}
}

// RowLogSoftmaxGrad adds to dx[rows, cols] the gradient of RowLogSoftmax, given
// its output y and the gradient dy of that.
func RowLogSoftmaxGrad[T Float](dx, dy, y []T, rows, cols int) {
	for r := 0; r < rows; r++ {
		d, g, l := dx[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols]
		sum := T(Sum(g))
		for i := range d {
			d[i] += g[i] - exp(l[i])*sum
		}
	}
}

// rowMax is the largest element of a row. A NaN neither wins nor is passed over
// by the loops that follow: it reaches every result through the sum.
func rowMax[T Float](row []T) T {
	if len(row) == 0 {
		return 0
	}
	top := row[0]
	if n := blocksOf(row); n > 0 {
		top = T(vectors.max(n, first(row)))
		row = row[n*vectorBlock:]
	}
	for _, v := range row {
		if v > top {
			top = v
		}
	}
	return top
}

// expShifted sets y to the exponential of x - top.
func expShifted[T Float](y, x []T, top T) {
	n := blocksOf(y)
	if n > 0 {
		vectors.expShifted(n, first(y), first(x), float32(top))
	}
	for i := n * vectorBlock; i < len(y); i++ {
		y[i] = exp(x[i] - top)
	}
}
