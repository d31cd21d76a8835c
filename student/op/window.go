// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// window reads the geometry that convolution and pooling share from a node's
// attributes: strides, dilations, pads or auto_pad, and with rounding of the
// output's size upwards ceil_mode. in are the spatial dimensions, taps the
// kernel's.
func (n *Node) window(in []int, taps []int64) (*kernel.Window, error) {
	d := len(in)
	if d < 1 || d > 3 {
		return nil, fmt.Errorf("%d spatial dimensions; 1 to 3 can be trained", d)
	}
	if len(taps) != d {
		return nil, fmt.Errorf("kernel_shape %v does not fit %d spatial dimensions", taps, d)
	}
	strides, err := n.perAxis("strides", d, 1)
	if err != nil {
		return nil, err
	}
	dilations, err := n.perAxis("dilations", d, 1)
	if err != nil {
		return nil, err
	}
	pads := n.Ints("pads", make([]int64, 2*d))
	if len(pads) != 2*d {
		return nil, fmt.Errorf("pads %v; %d spatial dimensions want %d", pads, d, 2*d)
	}
	auto, ceil := n.String("auto_pad", "NOTSET"), n.Int("ceil_mode", 0) != 0
	w := &kernel.Window{In: in, Out: make([]int, d), Kernel: make([]int, d), Stride: strides, Dilation: dilations,
		PadBegin: make([]int, d), PadEnd: make([]int, d)}
	for i := range d {
		if taps[i] < 1 || pads[i] < 0 || pads[d+i] < 0 {
			return nil, fmt.Errorf("kernel_shape %v with pads %v; sizes are positive and pads not negative", taps, pads)
		}
		w.Kernel[i] = int(taps[i])
		extent := (w.Kernel[i]-1)*w.Dilation[i] + 1
		switch auto {
		case "SAME_UPPER", "SAME_LOWER":
			w.Out[i] = (in[i] + w.Stride[i] - 1) / w.Stride[i]
			total := max((w.Out[i]-1)*w.Stride[i]+extent-in[i], 0)
			w.PadBegin[i] = total / 2
			if auto == "SAME_LOWER" {
				w.PadBegin[i] = total - total/2
			}
			w.PadEnd[i] = total - w.PadBegin[i]
		case "VALID":
			w.Out[i] = steps(in[i]-extent, w.Stride[i], ceil)
		case "NOTSET", "":
			w.PadBegin[i], w.PadEnd[i] = int(pads[i]), int(pads[d+i])
			w.Out[i] = steps(in[i]+w.PadBegin[i]+w.PadEnd[i]-extent, w.Stride[i], ceil)
			if ceil && (w.Out[i]-1)*w.Stride[i] >= in[i]+w.PadBegin[i] {
				w.Out[i]-- // a window that begins in the padding at the end does not count
			}
		default:
			return nil, fmt.Errorf("auto_pad is %q, wants NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto)
		}
		if w.Out[i] < 1 {
			return nil, fmt.Errorf("a kernel of %v does not fit an input of %v", taps, in)
		}
	}
	return w, nil
}

// steps is the number of positions of a window with room beside it.
func steps(room, stride int, ceil bool) int {
	if room < 0 {
		return 0
	}
	if ceil {
		room += stride - 1
	}
	return room/stride + 1
}

// perAxis reads an attribute with one positive number for each spatial dimension.
func (n *Node) perAxis(name string, d int, def int) ([]int, error) {
	out := make([]int, d)
	list := n.Ints(name, nil)
	if list != nil && len(list) != d {
		return nil, fmt.Errorf("%s %v; %d spatial dimensions want %d", name, list, d, d)
	}
	for i := range out {
		out[i] = def
		if list == nil {
			continue
		}
		if list[i] < 1 {
			return nil, fmt.Errorf("%s %v; they are positive", name, list)
		}
		out[i] = int(list[i])
	}
	return out, nil
}

// plain says whether the window is one tap that meets every input position once.
func plain(w *kernel.Window) bool {
	for i := range w.In {
		if w.Kernel[i] != 1 || w.Stride[i] != 1 || w.PadBegin[i] != 0 || w.PadEnd[i] != 0 {
			return false
		}
	}
	return true
}
