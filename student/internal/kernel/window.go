// SPDX-License-Identifier: Apache-2.0

package kernel

// Window is the geometry of a sliding window over one to three spatial
// dimensions, slowest dimension first. All slices have one entry a dimension;
// padding is not negative, everything else is at least one.
//
// Output position o and tap t meet input position o*Stride - PadBegin +
// t*Dilation. Positions outside [0, In) are padding, also those beyond PadEnd
// that a rounded-up output size reaches.
type Window struct {
	Kernel, Stride, Dilation []int
	PadBegin, PadEnd         []int
	In, Out                  []int
}

// Taps is the number of positions of the kernel.
func (w *Window) Taps() int { return product(w.Kernel) }

// InLen is the number of elements of one input plane.
func (w *Window) InLen() int { return product(w.In) }

// OutLen is the number of elements of one output plane.
func (w *Window) OutLen() int { return product(w.Out) }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// axis is one dimension of a window.
type axis struct {
	taps, stride, dilation, pad, padEnd, in, out int
}

// axes returns the window as three dimensions, the missing ones of size one in
// front. It panics where the window is not one of one to three dimensions.
func (w *Window) axes() (z, y, x axis) {
	var all [3]axis
	n := len(w.Kernel)
	if n < 1 || n > 3 {
		panic("kernel: a window has one to three dimensions")
	}
	if len(w.Stride) != n || len(w.Dilation) != n || len(w.PadBegin) != n ||
		len(w.PadEnd) != n || len(w.In) != n || len(w.Out) != n {
		panic("kernel: a window needs one entry a dimension in every slice")
	}
	for i := range all {
		j := i - (3 - n)
		if j < 0 {
			all[i] = axis{taps: 1, stride: 1, dilation: 1, in: 1, out: 1}
			continue
		}
		all[i] = axis{w.Kernel[j], w.Stride[j], w.Dilation[j], w.PadBegin[j], w.PadEnd[j], w.In[j], w.Out[j]}
		if all[i].stride < 1 {
			panic("kernel: the stride of a window is at least one")
		}
	}
	return all[0], all[1], all[2]
}

// at is the input position that output position o meets at tap t.
func (a *axis) at(o, t int) int { return o*a.stride - a.pad + t*a.dilation }

// valid is the range of output positions that meet the input at tap t.
func (a *axis) valid(t int) (lo, hi int) {
	off := t*a.dilation - a.pad
	if last := a.in - 1 - off; last >= 0 {
		hi = min(last/a.stride+1, a.out)
	}
	if off < 0 {
		lo = min((-off+a.stride-1)/a.stride, hi)
	}
	return lo, hi
}
