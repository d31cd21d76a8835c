// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"strings"
)

// pictureFormat tells a picture by its first bytes: "png", "jpeg" or "".
func pictureFormat(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "jpeg"
	}
	return ""
}

// isPicture goes by a file's name. Names that start with a dot are what
// file managers leave beside pictures.
func isPicture(base string) bool {
	if strings.HasPrefix(base, ".") {
		return false
	}
	for _, ext := range []string{".png", ".jpg", ".jpeg"} {
		if len(base) > len(ext) && strings.EqualFold(base[len(base)-len(ext):], ext) {
			return true
		}
	}
	return false
}

// decodePicture decodes a PNG or JPEG once its size is known to be bearable.
func decodePicture(blob []byte) (image.Image, error) {
	config, decode := png.DecodeConfig, png.Decode
	switch pictureFormat(blob) {
	case "png":
	case "jpeg":
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	default:
		if len(blob) == 0 {
			return nil, errors.New("is empty")
		}
		return nil, errors.New("is neither PNG nor JPEG")
	}
	c, err := config(bytes.NewReader(blob))
	if err != nil {
		return nil, fmt.Errorf("can't be decoded: %w", err)
	}
	if c.Width <= 0 || c.Height <= 0 || int64(c.Width)*int64(c.Height) > maxPixels {
		return nil, fmt.Errorf("is %dx%d, more than %d pixels", c.Height, c.Width, maxPixels)
	}
	img, err := decode(bytes.NewReader(blob))
	if err != nil {
		return nil, fmt.Errorf("can't be decoded: %w", err)
	}
	return img, nil
}

// toGray takes the luma of a picture (ITU-R BT.601). What lies under a
// transparent part counts as if it were opaque; 16 bits become the upper 8.
func toGray(img image.Image) *image.Gray {
	b := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch src := img.(type) {
	case *image.Gray:
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:][:b.Dx()], src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		}
		return out
	case *image.YCbCr: // JPEG stores the luma
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:][:b.Dx()], src.Y[src.YOffset(b.Min.X, b.Min.Y+y):])
		}
		return out
	}
	rgb := toRGB(img)
	for i := range out.Pix {
		p := rgb.Pix[4*i:]
		out.Pix[i] = uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
	}
	return out
}

// toRGB converts to opaque 8-bit colours, transparency ignored.
func toRGB(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch src := img.(type) {
	case *image.YCbCr:
		ycbcrToRGB(out, src)
	case *image.Gray, *image.CMYK:
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	case *image.NRGBA:
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:][:4*b.Dx()], src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		}
	default:
		for y := range b.Dy() {
			for x := range b.Dx() {
				c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				copy(out.Pix[y*out.Stride+4*x:], []byte{c.R, c.G, c.B})
			}
		}
	}
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 0xff
	}
	return out
}
