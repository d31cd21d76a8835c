// SPDX-License-Identifier: Apache-2.0

package kernel

// Sum adds up x in float64.
func Sum[T Float](x []T) float64 {
	n := blocksOf(x)
	var sum float64
	if n > 0 {
		sum = vectors.sum(n, first(x))
		x = x[n*vectorBlock:]
	} else {
		var lanes [vectorBlock]float64
		for ; len(x) >= vectorBlock; x = x[vectorBlock:] {
			for i, v := range x[:vectorBlock] {
				lanes[i] += float64(v)
			}
		}
		sum = fold(&lanes)
	}
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}

// Dot is the scalar product of x and y, over the elements of x, in float64.
func Dot[T Float](x, y []T) float64 {
	y = y[:len(x)]
	n := blocksOf(x)
	var sum float64
	if n > 0 {
		sum = vectors.dot(n, first(x), first(y))
		x, y = x[n*vectorBlock:], y[n*vectorBlock:]
	} else {
		var lanes [vectorBlock]float64
		for ; len(x) >= vectorBlock; x, y = x[vectorBlock:], y[vectorBlock:] {
			for i, v := range x[:vectorBlock] {
				lanes[i] += float64(float64(v) * float64(y[i]))
			}
		}
		sum = fold(&lanes)
	}
	for i, v := range x {
		sum += float64(float64(v) * float64(y[i]))
	}
	return sum
}

// fold adds up the lanes in the order in which registers are halved.
func fold(l *[vectorBlock]float64) float64 {
	return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}
