// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestFitShape(t *testing.T) {
	for _, c := range []struct {
		name        string
		shape, want []int
		layout      string
		dims        []int // nil: does not fit
		rows, cols  int
	}{
		{"same", []int{28, 28}, []int{28, 28}, "", []int{28, 28}, 0, 0},
		{"channel axis added in front", []int{28, 28}, []int{1, 28, 28}, "", []int{1, 28, 28}, 0, 0},
		{"channel axis added behind", []int{28, 28}, []int{28, 28, 1}, "", []int{28, 28, 1}, 0, 0},
		{"channel axis dropped", []int{28, 28, 1}, []int{28, 28}, "", []int{28, 28}, 0, 0},
		{"channel axis moved", []int{28, 28, 1}, []int{1, 28, 28}, "", []int{1, 28, 28}, 0, 0},
		{"flattened", []int{28, 28}, []int{784}, "", []int{784}, 0, 0},
		{"flattened to open", []int{28, 28}, []int{-1}, "", []int{784}, 0, 0},
		{"unflattened", []int{64}, []int{1, 8, 8}, "", []int{1, 8, 8}, 0, 0},
		{"open sizes", []int{3, 32, 40}, []int{3, -1, -1}, "", []int{3, 32, 40}, 0, 0},
		{"open sizes and an added axis", []int{32, 40}, []int{1, -1, -1}, "", []int{1, 32, 40}, 0, 0},
		{"single value", []int{}, []int{1}, "", []int{1}, 0, 0},
		{"single value, no axes", []int{1}, []int{}, "", []int{}, 0, 0},
		{"channels last to first", []int{32, 40, 3}, []int{3, 32, 40}, nchw, []int{3, 32, 40}, 1280, 3},
		{"channels first to last", []int{3, 32, 40}, []int{32, 40, 3}, nhwc, []int{32, 40, 3}, 3, 1280},
		{"fits as it is, layout or not", []int{3, 32, 40}, []int{3, 32, 40}, nchw, []int{3, 32, 40}, 0, 0},
		{"channels last, unasked", []int{32, 40, 3}, []int{3, 32, 40}, "", nil, 0, 0},
		{"transposed picture", []int{40, 32}, []int{32, 40}, "", nil, 0, 0},
		{"other size", []int{28, 28}, []int{1, 32, 32}, "", nil, 0, 0},
		{"one column too many", []int{65}, []int{64}, "", nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ok := fitShape(c.shape, c.want, c.layout)
			if ok != (c.dims != nil) || !slices.Equal(f.dims, c.dims) || f.rows != c.rows || f.cols != c.cols {
				t.Errorf("%v into %v: %+v, %v", c.shape, c.want, f, ok)
			}
		})
	}
}

func TestMismatchSaysWhatToDo(t *testing.T) {
	rgb := write(t, "rgb.npy", npyFile("|u1", []int{1, 2, 4, 3}, make([]uint8, 24)))
	floats := write(t, "floats.npy", npyFile("<f4", []int{1, 2, 2}, make([]float32, 4)))
	table := write(t, "t.csv", []byte("1,2,3\n4,5,6\n"))
	for _, c := range []struct {
		name, path string
		want       []Want
		o          Options
		texts      []string
	}{
		{"size", "testdata/valid-u8.idx", input1(1, 32, 32), Options{}, []string{"a sample is 2x2 of uint8", `input "x" takes 1x32x32`, "--height 32 --width 32"}},
		{"size, channels last", rgb, input1(5, 6, 3), Options{}, []string{"--height 5 --width 6"}},
		{"layout", rgb, input1(3, 2, 4), Options{}, []string{"2x4x3 of uint8", "3x2x4", "--layout nchw"}},
		{"columns", table, input1(2), Options{}, []string{"3 values of float32", "2 values", "--labels column:NAME"}},
		{"floats", floats, input1(4, 4), Options{}, []string{"2x2 of float32", "4x4"}},
		{"floats resized", floats, input1(4, 4), Options{Size: [2]int{4, 4}}, []string{"only 8-bit pictures can be resized"}},
		{"table resized", table, input1(3), Options{Size: [2]int{4, 4}}, []string{"--height and --width are for pictures"}},
		{"channels of an array", rgb, input1(2, 4, 3), Options{Channels: "bgr"}, []string{"--channels is for PNG and JPEG"}},
		{"columns of an array", rgb, input1(2, 4, 3), Options{Columns: []string{"1"}}, []string{"--columns and --skip are for CSV"}},
		{"means without a channel axis", floats, input1(2, 2), Options{Mean: []float64{1, 2}}, []string{"say --layout"}},
		{"means of other channels", rgb, input1(2, 4, 3), Options{Mean: []float64{1, 2}}, []string{"mean has 2 values for the 3 channels"}},
		{"picture of five channels", "testdata/invalid-pictures", input1(5, 2, 2), Options{Layout: nchw}, []string{"1 channel or 3, not 5"}},
		{"picture of open size", "testdata/invalid-pictures", input1(3, -1, -1), Options{}, []string{"say --height and --width"}},
		{"picture of another size", "testdata/invalid-pictures", input1(3, 8, 8), Options{Size: [2]int{4, 4}}, []string{"--height 4 --width 4 do not fit"}},
		{"picture of open layout", "testdata/invalid-pictures", input1(-1, -1, -1), Options{}, []string{"say where its channels are"}},
		{"picture of open channels", "testdata/invalid-pictures", input1(-1, 2, 2), Options{Layout: nchw}, []string{"say --channels"}},
		{"gray to three channels", "testdata/invalid-pictures", input1(3, 2, 2), Options{Channels: "gray"}, []string{"--channels gray does not fit"}},
		{"picture to four axes", "testdata/invalid-pictures", input1(3, 2, 2, 2), Options{}, []string{"not of the shape of a picture"}},
		{"folder as csv", "testdata/invalid-pictures", input1(3, 2, 2), Options{Format: "csv"}, []string{"is a folder"}},
		{"file as images", rgb, input1(3, 2, 2), Options{Format: "images"}, []string{"takes a folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), c.path, c.want, c.o)
			wantError(t, err, append(c.texts, filepath.Base(c.path))...)
		})
	}
}

func TestChannelsAreMovedAndNormalised(t *testing.T) {
	// Two pixels of three channels, last axis the channels'.
	path := write(t, "x.npy", npyFile("|u1", []int{1, 1, 2, 3}, []uint8{1, 2, 3, 4, 5, 6}))
	o := Options{Mean: []float64{0, 10, 20}, Std: []float64{1, 1, 2}}
	t.Run("nhwc", func(t *testing.T) {
		wantValues(t, all(t, open(t, path, input1(1, 2, 3), withLayout(o, nhwc)), 0), 1, -8, -8.5, 4, -5, -7)
	})
	t.Run("nchw", func(t *testing.T) {
		s := open(t, path, input1(3, 1, 2), withLayout(o, nchw))
		wantValues(t, all(t, s, 0), 1, 4, -8, -5, -8.5, -7)
		if got := s.Preprocessing(); got != "(x-[0 10 20])/[1 1 2], 3 channels, 1x2, NCHW, channels moved" {
			t.Errorf("preprocessing is called %q", got)
		}
	})
	t.Run("columns", func(t *testing.T) {
		path := write(t, "t.csv", []byte("1,2,3\n4,5,6\n"))
		wantValues(t, all(t, open(t, path, input1(3), o), 0), 1, -8, -8.5, 4, -5, -7)
	})
}

func withLayout(o Options, layout string) Options {
	o.Layout = layout
	return o
}

func TestPreprocessingInWords(t *testing.T) {
	for _, c := range []struct {
		name string
		want []Want
		o    Options
		text string
	}{
		{"picture", input1(1, 2, 2), Options{Mean: []float64{0.1307}, Std: []float64{0.3081}}, "x/255, then (x-0.1307)/0.3081, gray, 2x2, NCHW"},
		{"unscaled", input1(2, 2), Options{Scale: 1}, "values as stored, 2x2"},
		{"scaled", input1(4), Options{Scale: 0.3}, "x*0.3, 4 values"},
		{"resized", input1(4, 5, 1), Options{Size: [2]int{4, 5}}, "x/255, gray, 4x5, NHWC, resized (bilinear)"},
		{"whole numbers", []Want{{Name: "x", Dims: []int{4}, Type: onnx.Uint8}}, Options{}, "values as stored, 4 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := open(t, "testdata/valid-u8.idx", c.want, c.o).Preprocessing(); got != c.text {
				t.Errorf("%q, want %q", got, c.text)
			}
		})
	}
}
