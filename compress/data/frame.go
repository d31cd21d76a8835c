// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"image"
	"strings"
)

// frame is the form in which pictures are stored: height, width, channels (1 or
// 3) and where they lie.
type frame struct {
	h, w     int
	channels int
	bgr      bool
	layout   string
}

func (f frame) bytes() int { return f.h * f.w * f.channels }

// shape is that of a picture in the form of f.
func (f frame) shape() []int {
	if f.layout == nhwc {
		return []int{f.h, f.w, f.channels}
	}
	return []int{f.channels, f.h, f.w}
}

// pack writes a picture in the form of f, converted and resized where it differs.
func (f frame) pack(dst []byte, img image.Image) {
	b := img.Bounds()
	resize := b.Dx() != f.w || b.Dy() != f.h
	if f.channels == 1 {
		g := toGray(img)
		if !resize {
			copy(dst, g.Pix)
			return
		}
		pix := resizePicture(g, f.h, f.w).Pix
		for i := range f.h * f.w {
			dst[i] = pix[4*i]
		}
		return
	}
	rgb := toRGB(img)
	if resize {
		rgb = resizePicture(rgb, f.h, f.w)
	}
	pixel, plane := 3, 1
	if f.layout == nchw {
		pixel, plane = 1, f.h*f.w
	}
	for c := range 3 {
		to := c
		if f.bgr {
			to = 2 - c
		}
		for i := range f.h * f.w {
			dst[i*pixel+to*plane] = rgb.Pix[4*i+c]
		}
	}
}

// unpack is the picture that raw holds in the form of f.
func (f frame) unpack(raw []byte) image.Image {
	if f.channels == 1 {
		return &image.Gray{Pix: raw, Stride: f.w, Rect: image.Rect(0, 0, f.w, f.h)}
	}
	img := image.NewNRGBA(image.Rect(0, 0, f.w, f.h))
	pixel, plane := 3, 1
	if f.layout == nchw {
		pixel, plane = 1, f.h*f.w
	}
	for c := range 3 {
		for i := range f.h * f.w {
			img.Pix[4*i+c] = raw[i*pixel+c*plane]
		}
	}
	return img
}

// newFrame finds the form that a model input takes pictures in, and the
// dimensions of a sample.
func newFrame(path string, w Want, o Options) (frame, []int, error) {
	f := frame{layout: layoutOf(w.Dims, o.Layout), h: o.Size[0], w: o.Size[1]}
	refuse := func(do string) (frame, []int, error) {
		return f, nil, fmt.Errorf("%s: holds pictures, the model's input %q takes %s: %s", path, clean(w.Name), dimsText(w.Dims), do)
	}
	wantH, wantW, wantC := -1, -1, 1
	switch len(w.Dims) {
	case 1:
		wantC = f.flatChannels(w.Dims[0])
	case 2:
		wantH, wantW = w.Dims[0], w.Dims[1]
	case 3:
		switch f.layout {
		case nchw:
			wantC, wantH, wantW = w.Dims[0], w.Dims[1], w.Dims[2]
		case nhwc:
			wantH, wantW, wantC = w.Dims[0], w.Dims[1], w.Dims[2]
		default:
			return refuse("say where its channels are (--layout nchw or nhwc)")
		}
	default:
		return refuse("it is not of the shape of a picture")
	}
	if err := f.setChannels(wantC, o.Channels); err != nil {
		return refuse(err.Error())
	}
	if f.h == 0 {
		f.h, f.w = wantH, wantW
	}
	if f.h < 1 || f.w < 1 {
		return refuse("its height and width are open: say --height and --width")
	}
	if int64(f.h)*int64(f.w) > maxPixels {
		return refuse(fmt.Sprintf("that is more than %d pixels", maxPixels))
	}
	if wantH >= 0 && wantH != f.h || wantW >= 0 && wantW != f.w {
		return refuse(fmt.Sprintf("--height %d --width %d do not fit it", f.h, f.w))
	}
	if f.layout == "" {
		f.layout = nchw
	}
	dims := []int{f.channels, f.h, f.w}
	switch {
	case len(w.Dims) == 1:
		dims = []int{f.bytes()}
	case len(w.Dims) == 2:
		dims = []int{f.h, f.w}
	case f.layout == nhwc:
		dims = []int{f.h, f.w, f.channels}
	}
	if !sameDims(dims, w.Dims) {
		return refuse(fmt.Sprintf("--height %d --width %d give %s", f.h, f.w, dimsText(dims)))
	}
	return f, dims, nil
}

// flatChannels is how many channels of the frame's size make n values.
func (f *frame) flatChannels(n int) int {
	switch {
	case n < 0:
		return -1
	case n == 3*f.h*f.w:
		return 3
	}
	return 1
}

// setChannels reconciles the model's number of channels with the caller's wish.
func (f *frame) setChannels(n int, wish string) error {
	switch {
	case n < 0 && wish == "":
		return fmt.Errorf("its channels are open: say --channels rgb, bgr or gray")
	case n < 0 && wish == "gray":
		n = 1
	case n < 0:
		n = 3
	}
	switch {
	case n != 1 && n != 3:
		return fmt.Errorf("pictures have 1 channel or 3, not %d", n)
	case wish == "gray" && n != 1, (wish == "rgb" || wish == "bgr") && n != 3:
		return fmt.Errorf("--channels %s does not fit it", wish)
	}
	f.channels, f.bgr = n, wish == "bgr"
	return nil
}

// words describes the form.
func (f frame) words() []string {
	c := "gray"
	if f.channels == 3 {
		c = "rgb"
		if f.bgr {
			c = "bgr"
		}
	}
	return []string{c, fmt.Sprintf("%dx%d (bilinear)", f.h, f.w), strings.ToUpper(f.layout)}
}
