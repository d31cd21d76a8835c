// SPDX-License-Identifier: Apache-2.0

package kernel

// DepthwiseLast convolves images whose channels come last with one kernel for each
// channel. Kernels come in rows, one for each tap: packed[taps, C]. Nothing is
// copied: the borders of an image are rectangles with fewer taps.
type DepthwiseLast[T Float] struct {
	channels, taps int
	forward, back  []tapsRect
}

// NewDepthwiseLast plans the convolution of images w.In x C, of two dimensions.
func NewDepthwiseLast[T Float](w *Window, channels int) *DepthwiseLast[T] {
	d := &DepthwiseLast[T]{channels: channels, taps: w.Taps()}
	for _, back := range []bool{false, true} {
		rects := w.rects(channels, back, noMeans)
		all := withOffsets(rects, channels, func(i, t int) int { return rects[i].tap[t] })
		if back {
			d.back = all
		} else {
			d.forward = all
		}
	}
	return d
}

// Packed is the number of elements of the packed kernels.
func (d *DepthwiseLast[T]) Packed() int { return d.channels * d.taps }

// Pack sets packed[taps, C] to the kernels k[C, taps].
func (d *DepthwiseLast[T]) Pack(packed, k []T) { Transpose2D(packed, k, d.channels, d.taps) }

// Unpack adds packed[taps, C] to the kernels k[C, taps].
func (d *DepthwiseLast[T]) Unpack(k, packed []T) {
	for t := range d.taps {
		for c, v := range packed[t*d.channels : (t+1)*d.channels] {
			k[c*d.taps+t] += v
		}
	}
}

// Forward sets the image y[w.Out, C] to the correlation of x[w.In, C] with the packed
// kernels, plus the bias of every channel, which may be nil. Like
// the other methods it asks for the memory of ahead meanwhile.
func (d *DepthwiseLast[T]) Forward(y, x, packed, bias []T, ahead *Ahead[T]) {
	tapsOver(y, x, packed, bias, d.forward, d.channels, false, ahead)
}

// Data adds to the image dx the gradient of Forward with respect to x, given the
// gradient dy of y, or sets dx to it.
func (d *DepthwiseLast[T]) Data(dx, dy, packed []T, add bool, ahead *Ahead[T]) {
	tapsOver(dx, dy, packed, nil, d.back, d.channels, add, ahead)
}

// Weight adds to packed the gradient of Forward with respect to the packed kernels.
func (d *DepthwiseLast[T]) Weight(packed, x, dy []T, ahead *Ahead[T]) {
	tapsWeights(packed, dy, x, d.forward, d.channels, ahead)
}
