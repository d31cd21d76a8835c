// SPDX-License-Identifier: Apache-2.0

package data

import (
	"image"

	"golang.org/x/image/draw"
)

// resizePicture scales an opaque picture to h x w: bilinear, with the triangle
// filter widened to the ratio when shrinking, as Pillow and torchvision do.
func resizePicture(img image.Image, h, w int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

// pictureShape reads a shape as that of a picture: height x width, or with 1 or
// 3 channels at either end.
func pictureShape(shape []int) (layout string, channels int, ok bool) {
	switch {
	case len(shape) == 2:
		return nhwc, 1, true
	case len(shape) == 3 && (shape[2] == 1 || shape[2] == 3):
		return nhwc, shape[2], true
	case len(shape) == 3 && (shape[0] == 1 || shape[0] == 3):
		return nchw, shape[0], true
	}
	return "", 0, false
}

// resizedShape is shape with another height and width.
func resizedShape(shape []int, to [2]int) []int {
	layout, channels, _ := pictureShape(shape)
	switch {
	case len(shape) == 2:
		return []int{to[0], to[1]}
	case layout == nhwc:
		return []int{to[0], to[1], channels}
	}
	return []int{channels, to[0], to[1]}
}

// scaler resizes the pictures of an array.
type scaler struct {
	from, to frame
}

// resizing says how rows of an array are shaped after the resizing that the
// options ask for, and what does it: nil where nothing is to be done. ok is
// false where the rows have another size and are no 8-bit pictures.
func resizing(h header, o Options) (shape []int, s *scaler, ok bool) {
	shape = h.dims[1:]
	if o.Size[0] == 0 {
		return shape, nil, true
	}
	layout, channels, ok := pictureShape(shape)
	if !ok {
		return shape, nil, false
	}
	from := frame{h: shape[0], w: shape[1], channels: channels, layout: layout}
	if layout == nchw {
		from.h, from.w = shape[1], shape[2]
	}
	to := from
	to.h, to.w = o.Size[0], o.Size[1]
	if from == to {
		return shape, nil, true
	}
	if h.elem != kindU8 {
		return shape, nil, false
	}
	return resizedShape(shape, o.Size), &scaler{from, to}, true
}

// resized is an array of 8-bit pictures, resized when asked for.
type resized struct {
	*array
	scaler scaler
}

var _ column = (*resized)(nil)

func (r *resized) width() int        { return r.scaler.to.bytes() }
func (r *resized) needsBuffer() bool { return true }
func (r *resized) costly() bool      { return true }

func (r *resized) row(i int, buf []byte) ([]byte, error) {
	raw, err := r.array.row(i, make([]byte, r.array.width()))
	if err != nil {
		return nil, err
	}
	r.scaler.to.pack(buf, r.scaler.from.unpack(raw))
	return buf, nil
}
