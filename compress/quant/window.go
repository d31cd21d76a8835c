// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// window reads what a convolution's output channels read at a place.
type window struct {
	places, taps int // of an output map, of a kernel
	channels     int
	in, out      []int
	stride, pad  []int
	offsets      [][]int // of each tap in every dimension
}

func newWindow(n *onnx.Node, kernel []int, xdims, ydims []int64) *window {
	w := &window{places: 1, taps: 1, channels: int(xdims[1])}
	dilation := make([]int, len(kernel))
	total := func(name string, i int, otherwise int64) int {
		if v := n.Ints(name, nil); len(v) > i {
			return int(v[i])
		}
		return int(otherwise)
	}
	auto := ""
	if a := n.Attr("auto_pad"); a != nil {
		auto = string(a.S)
	}
	for i, k := range kernel {
		in, out := int(xdims[2+i]), int(ydims[2+i])
		stride := total("strides", i, 1)
		dilation[i] = total("dilations", i, 1)
		pad := 0
		switch {
		case strings.HasPrefix(auto, "SAME"):
			pad = max((out-1)*stride+(k-1)*dilation[i]+1-in, 0)
			if auto == "SAME_LOWER" {
				pad++
			}
			pad /= 2
		case auto == "" || auto == "NOTSET":
			pad = total("pads", i, 0)
		}
		w.in, w.out, w.stride, w.pad = append(w.in, in), append(w.out, out), append(w.stride, stride), append(w.pad, pad)
		w.places *= out
		w.taps *= k
	}
	for t := range w.taps {
		offset := make([]int, len(kernel))
		for i := len(kernel) - 1; i >= 0; i-- {
			offset[i] = t % kernel[i] * dilation[i]
			t /= kernel[i]
		}
		w.offsets = append(w.offsets, offset)
	}
	return w
}

// read fills dst with the taps of as many channels as it holds, from first on, that
// the row's place of the row's image sees.
func (w *window) read(x []float32, row, first int, dst []float32) {
	image, place := row/w.places, row%w.places
	size := 1
	for _, d := range w.in {
		size *= d
	}
	var origin [3]int
	for i := len(w.out) - 1; i >= 0; i-- {
		origin[i] = place%w.out[i]*w.stride[i] - w.pad[i]
		place /= w.out[i]
	}
	base := (image*w.channels + first) * size
	for t, offset := range w.offsets {
		at, inside := 0, true
		for i, d := range w.in {
			o := origin[i] + offset[i]
			inside = inside && o >= 0 && o < d
			at = at*d + o
		}
		for c := 0; c*w.taps < len(dst); c++ {
			dst[c*w.taps+t] = 0
			if inside {
				dst[c*w.taps+t] = x[base+c*size+at]
			}
		}
	}
}
