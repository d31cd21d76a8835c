// SPDX-License-Identifier: Apache-2.0

package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// corners is red, green / blue, white.
func corners() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	img.Set(0, 0, color.NRGBA{255, 0, 0, 255})
	img.Set(1, 0, color.NRGBA{0, 255, 0, 255})
	img.Set(0, 1, color.NRGBA{0, 0, 255, 255})
	img.Set(1, 1, color.NRGBA{255, 255, 255, 255})
	return img
}

func TestPictureForms(t *testing.T) {
	path := write(t, "x.png", encodePNG(t, corners()))
	for _, c := range []struct {
		name string
		dims []int
		o    Options
		want []float32
	}{
		{"rgb, channels first", []int{3, 2, 2}, Options{}, []float32{1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1}},
		{"rgb, channels last", []int{2, 2, 3}, Options{}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}},
		{"bgr", []int{2, 2, 3}, Options{Channels: "bgr"}, []float32{0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1}},
		{"as stored", []int{2, 2, 3}, Options{Scale: 1, Channels: "rgb"}, []float32{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}},
		{"gray", []int{1, 2, 2}, Options{Scale: 1}, []float32{76, 150, 29, 255}},
		{"gray without axis", []int{2, 2}, Options{Scale: 1}, []float32{76, 150, 29, 255}},
		{"flat gray", []int{4}, Options{Scale: 1, Size: [2]int{2, 2}}, []float32{76, 150, 29, 255}},
		{"flat rgb", []int{12}, Options{Size: [2]int{2, 2}}, []float32{1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1}},
		{"flat rgb, channels last", []int{12}, Options{Size: [2]int{2, 2}, Layout: nhwc}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}},
		{"open size", []int{1, -1, -1}, Options{Scale: 1, Size: [2]int{2, 2}}, []float32{76, 150, 29, 255}},
		{"open channels", []int{-1, 2, 2}, Options{Scale: 1, Layout: nchw, Channels: "gray"}, []float32{76, 150, 29, 255}},
		{"a mean for each channel", []int{3, 2, 2}, Options{Mean: []float64{1, 0, 0}, Std: []float64{1, 2, 1}}, []float32{0, -1, -1, 0, 0, 0.5, 0, 0.5, 0, 0, 1, 1}},
		{"shrunk to one", []int{1, 1, 1}, Options{Scale: 1}, []float32{128}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, memory := range []int64{0, 1} { // decoded once, decoded again for the batch
				c.o.Memory = memory
				s := open(t, filepath.Dir(path), input1(c.dims...), c.o)
				wantValues(t, all(t, s, 0), c.want...)
				if memory == 0 && s.Dims(0)[0] == -1 {
					t.Error("an open dimension was left open")
				}
			}
		})
	}
	t.Run("bytes", func(t *testing.T) {
		s := open(t, filepath.Dir(path), []Want{{Name: "x", Dims: []int{1, 2, 2}, Type: onnx.Uint8}}, Options{})
		wantValues(t, all(t, s, 0), 76, 150, 29, 255)
	})
}

func TestEveryColourModel(t *testing.T) {
	r := image.Rect(3, 5, 5, 7) // bounds need not start at zero
	fill := func(img interface {
		image.Image
		Set(x, y int, c color.Color)
	}, c color.Color) image.Image {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				img.Set(x, y, c)
			}
		}
		return img
	}
	c := color.NRGBA{200, 100, 50, 255}
	ycc := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for i := range ycc.Y {
		ycc.Y[i], _, _ = color.RGBToYCbCr(c.R, c.G, c.B)
	}
	for i := range ycc.Cb {
		_, ycc.Cb[i], ycc.Cr[i] = color.RGBToYCbCr(c.R, c.G, c.B)
	}
	for _, k := range []struct {
		name string
		img  image.Image
		rgb  [3]int
		gray int
	}{
		{"nrgba", fill(image.NewNRGBA(r), c), [3]int{200, 100, 50}, 124},
		{"rgba", fill(image.NewRGBA(r), c), [3]int{200, 100, 50}, 124},
		{"nrgba64", fill(image.NewNRGBA64(r), c), [3]int{200, 100, 50}, 124},
		{"transparent", fill(image.NewNRGBA(r), color.NRGBA{200, 100, 50, 0}), [3]int{200, 100, 50}, 124},
		{"paletted", fill(image.NewPaletted(r, color.Palette{color.Black, c}), c), [3]int{200, 100, 50}, 124},
		{"gray", fill(image.NewGray(r), color.Gray{90}), [3]int{90, 90, 90}, 90},
		{"gray16", fill(image.NewGray16(r), color.Gray16{0x5a80}), [3]int{90, 90, 90}, 90},
		{"ycbcr", ycc, [3]int{200, 100, 50}, 124},
		{"cmyk", fill(image.NewCMYK(r), color.CMYK{0, 127, 191, 55}), [3]int{200, 100, 50}, 124},
	} {
		t.Run(k.name, func(t *testing.T) {
			rgb, gray := toRGB(k.img), toGray(k.img)
			for i := range 4 {
				for ch, want := range k.rgb {
					if d := int(rgb.Pix[4*i+ch]) - want; d < -1 || d > 1 {
						t.Fatalf("pixel %d is %v, want %v", i, rgb.Pix[4*i:4*i+3], k.rgb)
					}
				}
				if d := int(gray.Pix[i]) - k.gray; d < -1 || d > 1 || rgb.Pix[4*i+3] != 255 {
					t.Fatalf("pixel %d is gray %d, want %d; alpha %d", i, gray.Pix[i], k.gray, rgb.Pix[4*i+3])
				}
			}
		})
	}
}

// TestResizeIsBilinear holds the resizing against the definition: a triangle
// of the width of a pixel of the coarser grid, its weights summing to one.
func TestResizeIsBilinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name         string
		h, w, oh, ow int
	}{{"shrunk", 24, 30, 7, 10}, {"enlarged", 5, 4, 13, 9}, {"both", 8, 20, 16, 5}} {
		t.Run(c.name, func(t *testing.T) {
			src := image.NewGray(image.Rect(0, 0, c.w, c.h))
			for i := range src.Pix {
				src.Pix[i] = uint8(rng.IntN(256))
			}
			got := resizePicture(src, c.oh, c.ow)
			for y := range c.oh {
				for x := range c.ow {
					want := 0.0
					wy, wx := triangle(y, c.oh, c.h), triangle(x, c.ow, c.w)
					for sy := range c.h {
						for sx := range c.w {
							want += wy[sy] * wx[sx] * float64(src.GrayAt(sx, sy).Y)
						}
					}
					if d := math.Abs(want - float64(got.RGBAAt(x, y).R)); d > 1 {
						t.Fatalf("pixel %d, %d is %d, want %.2f", y, x, got.RGBAAt(x, y).R, want)
					}
				}
			}
		})
	}
}

// triangle is the weight of each of n source pixels for pixel i of m.
func triangle(i, m, n int) []float64 {
	ratio := float64(n) / float64(m)
	reach := max(ratio, 1)
	centre := (float64(i) + 0.5) * ratio
	w := make([]float64, n)
	sum := 0.0
	for j := range w {
		w[j] = max(0, 1-math.Abs(float64(j)+0.5-centre)/reach)
		sum += w[j]
	}
	for j := range w {
		w[j] /= sum
	}
	return w
}

func TestArraysOfPicturesAreResized(t *testing.T) {
	for _, c := range []struct {
		name    string
		shape   []int
		raw     []uint8
		dims    []int
		size    [2]int
		want    []float32
		layouts string
	}{
		{"gray", []int{2, 2}, []uint8{0, 100, 100, 200}, []int{1, 1, 1}, [2]int{1, 1}, []float32{100}, ""},
		{"channels last", []int{1, 2, 3}, []uint8{0, 10, 20, 100, 110, 120}, []int{1, 1, 3}, [2]int{1, 1}, []float32{50, 60, 70}, ""},
		{"channels first", []int{3, 1, 2}, []uint8{0, 100, 10, 110, 20, 120}, []int{3, 1, 1}, [2]int{1, 1}, []float32{50, 60, 70}, ""},
		{"channels last to first", []int{1, 2, 3}, []uint8{0, 10, 20, 100, 110, 120}, []int{3, 1, 1}, [2]int{1, 1}, []float32{50, 60, 70}, nchw},
		{"same size", []int{1, 2}, []uint8{3, 4}, []int{1, 2}, [2]int{1, 2}, []float32{3, 4}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "x.npy", npyFile("|u1", append([]int{1}, c.shape...), c.raw))
			s := open(t, path, input1(c.dims...), Options{Size: c.size, Layout: c.layouts})
			for i, v := range all(t, s, 0) {
				if math.Abs(float64(v-c.want[i])) > 1 {
					t.Errorf("value %d is %v, want %v", i, v, c.want[i])
				}
			}
			plain := open(t, path, input1(c.shape...), Options{})
			if plain.Key(0) != s.Key(0) {
				t.Error("resizing changes the key, which is of the raw content")
			}
		})
	}
}

func TestBadPicturesAreNamed(t *testing.T) {
	s := open(t, "testdata/invalid-pictures", input1(3, 2, 2), Options{MaxBad: 0.9})
	var names []string
	for _, b := range s.Bad() {
		names = append(names, b.Name)
	}
	if want := []string{"cut.png", "empty.png", "gif.png", "huge.png", "text.jpg"}; !slices.Equal(names, want) {
		t.Errorf("left out %v, want %v", names, want)
	}
	wantValues(t, all(t, s, 0), 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1)
	if s.Name(0) != "good.png" || s.Len() != 1 {
		t.Errorf("kept %d, the first is %s", s.Len(), s.Name(0))
	}
}

func TestUnsafeArchiveEntriesAreNamed(t *testing.T) {
	s := open(t, "testdata/invalid-names.tar", input1(3, 2, 2), Options{MaxBad: 0.9})
	got := map[string]string{}
	for _, b := range s.Bad() {
		got[b.Name] = b.Err.Error()
	}
	want := map[string]string{
		"../up.png":  "has a name that leads out of the archive",
		"../up2.png": "has a name that leads out of the archive",
		"/abs.png":   "has a name that leads out of the archive",
		"link.png":   "is a link, which is not followed in an archive",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(want) || s.Name(0) != "good.png" {
		t.Errorf("left out %v", got)
	}
}

func TestChangedPictureIsNoticed(t *testing.T) {
	path := write(t, "x.png", encodePNG(t, corners()))
	s := open(t, filepath.Dir(path), input1(3, 2, 2), Options{Memory: 1})
	if err := os.WriteFile(path, encodePNG(t, image.NewGray(image.Rect(0, 0, 2, 2))), 0o666); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Batch(0, []int{0}, make([]float32, 12)), "x.png: has changed")
}

// TestFolderAndArchivesAgree reads the same pictures from a folder, a tar and a
// packed tar whose entries are in another order.
func TestFolderAndArchivesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	names := []string{"b/2.jpg", "a/9.png", "b/10.JPG", "a-b/x.jpeg", "a/1.png"}
	root := t.TempDir()
	var plain bytes.Buffer
	tw := tar.NewWriter(&plain)
	for i, name := range names {
		img := image.NewNRGBA(image.Rect(0, 0, 6+i, 9))
		for j := range img.Pix {
			img.Pix[j] = uint8(rng.IntN(256)) | uint8(j&3/3*255)
		}
		blob := encodePNG(t, img)
		if filepath.Ext(name) != ".png" {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, nil); err != nil {
				t.Fatal(err)
			}
			blob = b.Bytes()
		}
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), blob, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := tw.WriteHeader(&tar.Header{Name: "./" + name, Mode: 0o666, Size: int64(len(blob))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(blob); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(plain.Bytes())
	z.Close()
	o := Options{Labels: "folder"}
	folder := open(t, root, input1(3, 5, 5), o)
	want := all(t, folder, 0)
	if got := folder.Classes(); !slices.Equal(got, []string{"a", "a-b", "b"}) {
		t.Errorf("classes %v", got)
	}
	for name, path := range map[string]string{
		"tar": write(t, "x.tar", plain.Bytes()), "packed tar": write(t, "x.tar.gz", packed.Bytes()), "folder": root,
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			if name != "packed tar" {
				o.Memory = 1
			}
			s := open(t, path, input1(3, 5, 5), o)
			wantValues(t, all(t, s, 0), want...)
			for i, sorted := range []string{"a-b/x.jpeg", "a/1.png", "a/9.png", "b/10.JPG", "b/2.jpg"} {
				if a, _ := s.Label(i); s.Name(i) != sorted || a != []int{1, 0, 0, 2, 2}[i] || s.Key(i) != folder.Key(i) {
					t.Errorf("sample %d is %s of class %d, want %s", i, s.Name(i), a, sorted)
				}
			}
			o.Limit = 2
			if s := open(t, path, input1(3, 5, 5), o); s.Len() != 2 || s.Name(0) != "a-b/x.jpeg" || s.Name(1) != "a/9.png" || s.Key(1) != folder.Key(2) || len(s.Classes()) != 3 {
				t.Errorf("limited to %d samples, last %s", s.Len(), s.Name(s.Len()-1))
			} else if a, _ := s.Label(1); a != 0 {
				t.Errorf("%s is of class %d", s.Name(1), a)
			}
			o.Labels = write(t, "labels.csv", []byte("4\n5\n6\n7\n8\n"))
			s = open(t, path, input1(3, 5, 5), o)
			for i, want := range []int{4, 6} {
				if a, _ := s.Label(i); a != want {
					t.Errorf("%s has label %d of a file, want %d", s.Name(i), a, want)
				}
			}
		})
	}
}
