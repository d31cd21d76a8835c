// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// pictureSet holds n pictures of 1x6x5 in which every pixel is n*100 + its number,
// normalised by a mean and a deviation.
func pictureSet(t *testing.T, n int) *Set {
	t.Helper()
	v := make([]float32, n*30)
	for i := range v {
		v[i] = float32(i/30*100 + i%30)
	}
	var b bytes.Buffer
	if err := WriteNPY(&b, []int{n, 1, 6, 5}, v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), path, []Want{{Name: "x", Dims: []int{1, 6, 5}, Type: onnx.Float32}}, Options{Mean: []float64{10}, Std: []float64{2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func viewsOf(t *testing.T, s *Set, text string) *Views {
	t.Helper()
	a, err := ParseAugment(text)
	if err != nil || a.String() != text {
		t.Fatalf("%q reads as %q: %v", text, a, err)
	}
	v, err := s.Views(a, indices(s.Len()), 7)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func indices(n int) []int {
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	return idx
}

// view is one view of one sample, in stored values.
func (v *Views) view(t *testing.T, i int, number uint64) []float32 {
	t.Helper()
	out := make([]float32, 30)
	if err := v.Batch([]int{i}, number, [][]float32{out}); err != nil {
		t.Fatal(err)
	}
	for k := range out {
		out[k] = out[k]*2 + 10
	}
	return out
}

// TestViews checks what every augmentation makes of a picture.
func TestViews(t *testing.T) {
	s := pictureSet(t, 20)
	for text, check := range map[string]func(i int, x []float32) bool{
		// Moved pixels keep their number; black comes in from the side.
		"crop:2": func(i int, x []float32) bool {
			for y := range 6 {
				for z := range 5 {
					if v := x[y*5+z]; v != 0 && int(v)/100 != i && !(i == 0 && v < 30) {
						return false
					}
				}
			}
			return true
		},
		"flip": func(i int, x []float32) bool {
			base := float32(100 * i)
			return x[0] == base && x[4] == base+4 || x[0] == base+4 && x[4] == base
		},
		"erase:1": func(i int, x []float32) bool {
			n := 0
			for k, v := range x {
				if v == 0 && k+i > 0 {
					n++
				}
			}
			return n <= 15
		},
		// The mean of a mixture lies between those of two pictures.
		"mixup":    func(i int, x []float32) bool { return x[29]-x[0] > 28.9 && x[29]-x[0] < 29.1 },
		"cutmix":   func(_ int, x []float32) bool { return int(x[7]+0.5)%100 == 7 },
		"noise:1":  func(i int, x []float32) bool { return math.Abs(float64(x[3])-float64(100*i+3)) < 12 },
		"shift:1":  func(i int, x []float32) bool { return math.Abs(float64(x[2])-float64(100*i+2)) <= 1.001 },
		"shift:40": func(i int, x []float32) bool { return x[0] >= float32(100*i) && x[4] <= float32(100*i+4) },
	} {
		v := viewsOf(t, s, text)
		distinct := map[string]bool{}
		for i := range s.Len() {
			for number := range uint64(4) {
				x := v.view(t, i, number)
				if !check(i, x) {
					t.Errorf("%s, sample %d, view %d: %v", text, i, number, x)
				}
				plain := make([]float32, 30)
				for k := range plain {
					plain[k] = float32(100*i + k)
				}
				if !slices.EqualFunc(x, plain, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-3 }) {
					distinct[text] = true
				}
			}
		}
		if !distinct[text] {
			t.Errorf("%s changes nothing", text)
		}
	}
}

// TestViewsFollowContent asks for the same views in another order, in other batches
// and of a set whose rows are shuffled: view and key depend on the sample, the
// number and the seed alone.
func TestViewsFollowContent(t *testing.T) {
	s := pictureSet(t, 20)
	v := viewsOf(t, s, "crop:1,flip,erase:0.5,noise:0.1,mixup,cutmix")
	batch := []int{3, 17, 3, 0}
	out := make([]float32, 4*30)
	if err := v.Batch(batch, 5, [][]float32{out}); err != nil {
		t.Fatal(err)
	}
	keys := map[[16]byte]bool{}
	for j, i := range batch {
		one := make([]float32, 30)
		if err := v.Batch([]int{i}, 5, [][]float32{one}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one, out[j*30:(j+1)*30]) {
			t.Errorf("sample %d looks different in a batch", i)
		}
	}
	other, err := s.Views(v.augment, indices(s.Len()), 8)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		for number := range uint64(3) {
			keys[v.Key(i, number)] = true
			if v.Key(i, number) == other.Key(i, number) {
				t.Fatal("another seed has the same key")
			}
		}
	}
	if len(keys) != 60 {
		t.Errorf("%d keys for 60 views", len(keys))
	}
}

func TestViewsRefused(t *testing.T) {
	for _, bad := range []string{"crop", "crop:0", "crop:x", "flip:1", "swirl", "noise:-1", "erase:NaN"} {
		if a, err := ParseAugment(bad); err == nil {
			t.Errorf("%q reads as %v", bad, a)
		}
	}
	s := pictureSet(t, 2)
	if _, err := s.Views(Augment{Crop: 5}, nil, 1); err == nil {
		t.Error("pictures are moved out of themselves")
	}
	if _, err := s.Views(Augment{Mixup: true}, nil, 1); err == nil {
		t.Error("nothing is mixed")
	}
}
