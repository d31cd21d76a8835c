// SPDX-License-Identifier: Apache-2.0

package data

import (
	"image"
	"math/rand/v2"
	"os"
	"testing"
)

// TestJPEGIsPillows decodes pictures of every subsampling that Pillow writes and
// compares them with what it reads (scripts/picture_vectors.py).
func TestJPEGIsPillows(t *testing.T) {
	for _, name := range []string{"444", "422", "420"} {
		t.Run(name, func(t *testing.T) {
			got, want := decoded(t, name+".jpg"), decoded(t, name+".png")
			off := 0
			for i := range got.Pix {
				d := int(got.Pix[i]) - int(want.Pix[i])
				if d < -3 || d > 3 { // a level of luma and one of chroma, where inverse transforms round apart
					t.Fatalf("value %d is %d, Pillow's %d", i, got.Pix[i], want.Pix[i])
				}
				if d != 0 {
					off++
				}
			}
			if off > len(got.Pix)/20 {
				t.Errorf("%d of %d values are not Pillow's", off, len(got.Pix))
			}
		})
	}
}

func decoded(t *testing.T, name string) *image.RGBA {
	t.Helper()
	blob, err := os.ReadFile("testdata/chroma/" + name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := decodePicture(blob)
	if err != nil {
		t.Fatal(err)
	}
	return toRGB(img)
}

// TestChromaHalvedInHeight: what 4:2:2 does across, 4:4:0 does down.
func TestChromaHalvedInHeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const w, h = 11, 6
	wide := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio422)
	tall := image.NewYCbCr(image.Rect(0, 0, h, w), image.YCbCrSubsampleRatio440)
	for y := range h {
		for x := range w {
			v := uint8(rng.IntN(256))
			wide.Y[wide.YOffset(x, y)], tall.Y[tall.YOffset(y, x)] = v, v
			u, v := uint8(rng.IntN(256)), uint8(rng.IntN(256))
			wide.Cb[wide.COffset(x, y)], tall.Cb[tall.COffset(y, x)] = u, u
			wide.Cr[wide.COffset(x, y)], tall.Cr[tall.COffset(y, x)] = v, v
		}
	}
	a, b := toRGB(wide), toRGB(tall)
	for y := range h {
		for x := range w {
			if a.RGBAAt(x, y) != b.RGBAAt(y, x) {
				t.Fatalf("%d, %d is %v across and %v down", y, x, a.RGBAAt(x, y), b.RGBAAt(y, x))
			}
		}
	}
}
