// SPDX-License-Identifier: Apache-2.0

package data

import "image"

// ycbcrToRGB converts what a JPEG stores to 8-bit colours and leaves alpha alone.
// Chroma at half the resolution is interpolated with a triangle filter, 3/4 of
// the nearer sample and 1/4 of the next, and colours are rounded as libjpeg-turbo
// rounds them (jdsample.c, jdcolor.c): Pillow, torchvision and OpenCV decode so,
// and teachers have learnt from their pictures. A coarser chroma is repeated, as
// there.
func ycbcrToRGB(out *image.RGBA, src *image.YCbCr) {
	b := src.Bounds()
	cb, cr := make([]int32, b.Dx()), make([]int32, b.Dx())
	for y := range b.Dy() {
		chromaRow(cb, src, src.Cb, y)
		chromaRow(cr, src, src.Cr, y)
		luma := src.Y[src.YOffset(b.Min.X, b.Min.Y+y):]
		pix := out.Pix[y*out.Stride:]
		for x := range b.Dx() {
			l, u, v := int32(luma[x]), cb[x]-128, cr[x]-128
			pix[4*x] = clampByte(l + (91881*v+1<<15)>>16)
			pix[4*x+1] = clampByte(l + (-22554*u-46802*v+1<<15)>>16)
			pix[4*x+2] = clampByte(l + (116130*u+1<<15)>>16)
		}
	}
}

func clampByte(v int32) uint8 { return uint8(max(0, min(255, v))) }

// chromaRow is row y of one of src's two chroma planes at the luma's resolution:
// 9 parts in 16 of the nearest sample, 3 of the next in each direction and 1 of
// that across, all of them the same sample where a direction isn't halved.
func chromaRow(dst []int32, src *image.YCbCr, plane []uint8, y int) {
	b := src.Bounds()
	shift, over := 0, y
	bias := [2]int32{} // at even and odd places, what libjpeg-turbo adds before it rounds down
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		shift, over, bias = 1, neighbour(y, b.Dy()), [2]int32{8, 7}
	case image.YCbCrSubsampleRatio422:
		shift, bias = 1, [2]int32{4, 8}
	case image.YCbCrSubsampleRatio440:
		half := 4 + 4*int32(y&1)
		over, bias = neighbour(y, b.Dy()), [2]int32{half, half}
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	near, far := plane[src.COffset(b.Min.X, b.Min.Y+y):], plane[src.COffset(b.Min.X, b.Min.Y+over):]
	for x := range dst {
		at, next := x>>shift, x>>shift
		if shift == 1 {
			next = neighbour(x, len(dst)) >> 1
		}
		dst[x] = (9*int32(near[at]) + 3*int32(near[next]) + 3*int32(far[at]) + int32(far[next]) + bias[x&1]) >> 4
	}
}

// neighbour is the place, at full resolution, of the second nearest sample at
// half the resolution: before an even place and after an odd one, the place's own
// at the n places' ends.
func neighbour(at, n int) int {
	if at%2 == 0 {
		return max(at-1, 0)
	}
	return min(at+1, n-1)
}
