// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// sharedData is the path of a file of the shared test data; the test is skipped
// where it is absent.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent from the shared test data", name)
	}
	return path
}

func input1(dims ...int) []Want { return []Want{{Name: "x", Dims: dims, Type: onnx.Float32}} }

// open opens a set that must be sound.
func open(t testing.TB, path string, want []Want, o Options) *Set {
	t.Helper()
	s, err := Open(context.Background(), path, want, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// all is input field of every sample.
func all(t testing.TB, s *Set, field int) []float32 {
	t.Helper()
	idx := make([]int, s.Len())
	for i := range idx {
		idx[i] = i
	}
	dst := make([]float32, len(idx)*elements(s.Dims(field)))
	if err := s.Batch(field, idx, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantError checks that an error is one line that holds all the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", texts)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q lacks %q", err, text)
		}
	}
}

func wantValues(t *testing.T, got []float32, want ...float32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
}

func TestInvalidFiles(t *testing.T) {
	images := input1(3, 2, 2)
	for _, c := range []struct {
		file string
		want []Want
		text string
	}{
		{"invalid-magic.npy", input1(3), "is none of IDX"},
		{"invalid-version.npy", input1(3), "version 9.0"},
		{"invalid-header-length.npy", input1(3), "header of 1073741824 bytes"},
		{"invalid-header-cut.npy", input1(3), "ends within the header"},
		{"invalid-object.npy", input1(3), "Python objects"},
		{"invalid-fortran.npy", input1(3), "Fortran order"},
		{"invalid-records.npy", input1(3), "records of several fields"},
		{"invalid-complex.npy", input1(3), `element type "<c8"`},
		{"invalid-cut.npy", input1(3), "19 bytes follow its header"},
		{"invalid-tail.npy", input1(3), "25 bytes follow its header"},
		{"invalid-huge.npy", input1(3), "impossible shape"},
		{"invalid-scalar.npy", input1(3), "single number"},
		{"invalid-no-rows.npy", input1(3), "no samples"},
		{"invalid-code.npy", input1(3), "something else than sizes"},
		{"invalid-key.npy", input1(3), `key "more" is unknown`},
		{"invalid-type.idx", input1(2, 2), "is none of IDX"},
		{"invalid-rank.idx", input1(2, 2), "9 dimensions"},
		{"invalid-cut.idx", input1(2, 2), "11 bytes follow"},
		{"invalid-header-cut.idx", input1(2, 2), "ends within the header"},
		{"invalid-huge.idx", input1(2, 2), "impossible shape"},
		{"invalid-gzip-cut.idx.gz", input1(2, 2), "invalid-gzip-cut.idx.gz"},
		{"invalid-gzip-checksum.idx.gz", input1(2, 2), "checksum"},
		{"invalid-gzip-long.idx.gz", input1(2, 2), "goes on after the 12 bytes"},
		{"invalid-gzip-huge.idx.gz", input1(1 << 10), "ends after 12 of 1073741824 bytes"},
		{"invalid-empty.csv", input1(3), "is empty"},
		{"invalid-comments.csv", input1(3), "holds no rows"},
		{"invalid-header-only.csv", input1(3), "holds no rows"},
		{"invalid-ragged.csv", input1(3), "row 2 of invalid-ragged.csv: line 2: has 2 fields"},
		{"invalid-nan.csv", input1(3), "row 2 of invalid-nan.csv: line 2: column 0 is NaN"},
		{"invalid-text.csv", input1(3), `column 1 is "five", not a number; row 3 of invalid-text.csv: line 3: column 1 is empty`},
		{"invalid-quote.csv", input1(3), "row 2 of invalid-quote.csv: line 2:"},
		{"invalid-binary.bin", input1(3), "is none of IDX"},
		{"invalid-pictures", images, "cut.png: can't be decoded"},
		{"invalid-pictures/good.png", images, "is one picture: give the folder"},
		{"invalid-no-pictures", images, "no pictures (.png, .jpg, .jpeg)"},
		{"invalid-names.tar", images, "4 of 5 samples are unusable"},
		{"invalid-twice.tar", images, "has the picture a.png twice"},
		{"invalid-cut.tar", images, "damaged tar archive"},
		{"invalid-none.tar", images, "no pictures"},
		{"invalid-rows.npz", []Want{{Name: "a", Dims: []int{3}}, {Name: "b", Dims: []int{2}}}, `array "b" has 3 rows, "a" has 2`},
		{"invalid-cut.npz", input1(3), "is no .npz file"},
		{"invalid-checksum.npz", []Want{{Name: "a", Dims: []int{3}}}, "checksum"},
		{"invalid-no-arrays.npz", input1(3), "no .npy arrays"},
		{"missing.npy", input1(3), "missing.npy"},
	} {
		t.Run(c.file, func(t *testing.T) {
			s, err := Open(context.Background(), filepath.Join("testdata", c.file), c.want, Options{})
			if err == nil {
				s.Close()
			}
			wantError(t, err, c.text, filepath.Base(c.file))
		})
	}
}

func TestOptionsCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		text string
	}{
		{"format", Options{Format: "hdf5"}, `format "hdf5" is unknown`},
		{"layout", Options{Layout: "chw"}, `layout "chw" is unknown`},
		{"channels", Options{Channels: "cmyk"}, "channels"},
		{"size", Options{Size: [2]int{28, 0}}, "size 28x0"},
		{"size beyond bounds", Options{Size: [2]int{1 << 20, 1 << 20}}, "exceeds"},
		{"std zero", Options{Std: []float64{1, 0}}, "std"},
		{"limit", Options{Limit: -1}, "limit"},
		{"share of bad ones", Options{MaxBad: 2}, "share"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), "testdata/valid-v1.npy", input1(3), c.o)
			wantError(t, err, c.text)
		})
	}
}

func TestInputsThatTakeNoSamples(t *testing.T) {
	for _, c := range []struct {
		name string
		want []Want
		o    Options
		text string
	}{
		{"none", nil, Options{}, "no inputs"},
		{"strings", []Want{{Name: "s", Dims: []int{3}, Type: onnx.StringType}}, Options{}, "samples are numbers"},
		{"normalised whole numbers", []Want{{Name: "s", Dims: []int{3}, Type: onnx.Int64}}, Options{Scale: 2}, "floating-point"},
		{"two inputs, one array", []Want{{Name: "a", Dims: []int{3}}, {Name: "b", Dims: []int{3}}}, Options{}, "the model has 2 inputs (a, b)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), "testdata/valid-v1.npy", c.want, c.o)
			wantError(t, err, c.text)
		})
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, file := range []string{"valid-v1.npy", "valid-u8.idx.gz", "invalid-pictures", "invalid-names.tar", "invalid-text.csv"} {
		if _, err := Open(ctx, filepath.Join("testdata", file), input1(-1), Options{}); err == nil {
			t.Errorf("%s: opened although the context had ended", file)
		}
	}
}
