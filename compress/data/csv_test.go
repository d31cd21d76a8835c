// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name, text string
		dims       int
		o          Options
		want       []float32
		labels     []int
		classes    []string
	}{
		{"plain", "1,2\n3,4\n", 2, Options{}, []float32{1, 2, 3, 4}, nil, nil},
		{"comment and blank line", "# title\n1,2\n\n#more\n3,4\n", 2, Options{}, []float32{1, 2, 3, 4}, nil, nil},
		{"header", "a,b\n1,2\n", 2, Options{}, []float32{1, 2}, nil, nil},
		{"byte-order mark, CRLF, no last newline", "\ufeff1,2\r\n3,4", 2, Options{}, []float32{1, 2, 3, 4}, nil, nil},
		{"quoted, spaces", "\"1\", 2\n3 ,\"4\"\n", 2, Options{}, []float32{1, 2, 3, 4}, nil, nil},
		{"first label by number", "7,1,2\n0,3,4\n", 2, Options{Labels: "column:0"}, []float32{1, 2, 3, 4}, []int{7, 0}, nil},
		{"last label", "1,2,7\n3,4,0\n", 2, Options{Labels: "column:-1"}, []float32{1, 2, 3, 4}, []int{7, 0}, nil},
		{"label by name", "a,class,b\n1,3,2\n", 2, Options{Labels: "column:class"}, []float32{1, 2}, []int{3}, nil},
		{"labels with a point", "1,10.0\n2,2.0\n", 1, Options{Labels: "column:1"}, []float32{1, 2}, []int{10, 2}, nil},
		{"labels in words", "1,dog\n2,cat\n3,dog\n", 1, Options{Labels: "column:1"}, []float32{1, 2, 3}, []int{1, 0, 1}, []string{"cat", "dog"}},
		{"header and labels in words", "v,kind\n1,dog\n2,cat\n", 1, Options{Labels: "column:1"}, []float32{1, 2}, []int{1, 0}, []string{"cat", "dog"}},
		{"columns in the caller's order", "a,b,c\n1,2,3\n", 2, Options{Columns: []string{"c", "0"}}, []float32{3, 1}, nil, nil},
		{"skipped columns", "id,a,b\nx7,1,2\nx8,3,4\n", 2, Options{Skip: []string{"id"}}, []float32{1, 2, 3, 4}, nil, nil},
		{"skipped by number, no header", "x7,1,2\nx8,3,4\n", 2, Options{Skip: []string{"0"}}, []float32{1, 2, 3, 4}, nil, nil},
		{"limit", "1,2\n3,4\n5,6\n", 2, Options{Limit: 2}, []float32{1, 2, 3, 4}, nil, nil},
		{"bad rows left out", "1,2\n3,x\n5,6\n7\n", 2, Options{MaxBad: 0.5}, []float32{1, 2, 5, 6}, nil, nil},
		{"missing label left out", "1,2,0\n3,4,\n", 2, Options{Labels: "column:2", MaxBad: 0.5}, []float32{1, 2}, []int{0}, nil},
		{"label of a bad row is no class", "1,a\nx,b\n3,c\n", 1, Options{Labels: "column:1", MaxBad: 0.5}, []float32{1, 3}, []int{0, 1}, []string{"a", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, write(t, "t.csv", []byte(c.text)), input1(c.dims), c.o)
			wantValues(t, all(t, s, 0), c.want...)
			var labels []int
			for i := range s.Len() {
				if l, ok := s.Label(i); ok {
					labels = append(labels, l)
				}
			}
			if !slices.Equal(labels, c.labels) || !slices.Equal(s.Classes(), c.classes) {
				t.Errorf("labels %v of %v, want %v of %v", labels, s.Classes(), c.labels, c.classes)
			}
		})
	}
}

func TestCSVRefused(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Want
		o          Options
		err        string
	}{
		{"unknown column", "a,b\n1,2\n", input1(1), Options{Labels: "column:c"}, `no column "c": it has a, b`},
		{"column beyond", "1,2\n", input1(1), Options{Labels: "column:2"}, "no column 2: it has 2"},
		{"name twice", "a,a\n1,2\n", input1(1), Options{Labels: "column:a"}, "two columns"},
		{"label as input", "1,2\n", input1(1), Options{Labels: "column:0", Columns: []string{"0"}}, "also the label"},
		{"nothing left", "1\n", input1(1), Options{Labels: "column:0"}, "no column left"},
		{"negative class", "1,-1\n", input1(1), Options{Labels: "column:1"}, "out of range"},
		{"beyond memory", strings.Repeat("1,2\n", 100), input1(2), Options{Memory: 100}, "convert it to .npy"},
		{"more columns than inputs take", "1,2,3\n", []Want{{Name: "a", Dims: []int{1}}, {Name: "b", Dims: []int{1}}}, Options{}, "1 columns more"},
		{"too few columns", "1,2\n", []Want{{Name: "a", Dims: []int{1}}, {Name: "b", Dims: []int{2}}}, Options{}, "too few"},
		{"line without end", "1," + strings.Repeat("2", maxLine), input1(2), Options{}, "line of more than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), write(t, "t.csv", []byte(c.text)), c.want, c.o)
			wantError(t, err, c.err, "t.csv")
		})
	}
}

func TestCSVFeedsSeveralInputs(t *testing.T) {
	want := []Want{{Name: "a", Dims: []int{2}, Type: onnx.Float32}, {Name: "b", Dims: []int{1, 1}, Type: onnx.Int64}}
	s := open(t, write(t, "t.csv", []byte("1,2,3\n4,5,6\n")), want, Options{Scale: 10})
	wantValues(t, all(t, s, 0), 10, 20, 40, 50)
	wantValues(t, all(t, s, 1), 3, 6)
	if got := s.Preprocessing(); got != "a: x*10, 2 values; b: values as stored, 1x1" {
		t.Errorf("preprocessing is called %q", got)
	}
}

func TestLabelFiles(t *testing.T) {
	for _, c := range []struct {
		name, file string
		content    []byte
		column     string
		want       []int
		classes    []string
		err        string
	}{
		{"idx", "l.idx", []byte{0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 9}, "", []int{5, 0, 9}, nil, ""},
		{"npy", "l.npy", npyFile("<i8", []int{3}, []int64{5, 0, 9}), "", []int{5, 0, 9}, nil, ""},
		{"npy column", "l.npy", npyFile("<i4", []int{3, 1}, []int32{5, 0, 9}), "", []int{5, 0, 9}, nil, ""},
		{"csv", "l.csv", []byte("5\n0\n9\n"), "", []int{5, 0, 9}, nil, ""},
		{"csv with header", "l.csv", []byte("class\n5\n0\n9\n"), "", []int{5, 0, 9}, nil, ""},
		{"csv in words", "l.csv", []byte("b\na\nb\n"), "", []int{1, 0, 1}, []string{"a", "b"}, ""},
		{"csv column by name", "l.csv", []byte("id,class\n1,b\n2,a\n3,b\n"), "#class", []int{1, 0, 1}, []string{"a", "b"}, ""},
		{"csv column by number", "l.csv", []byte("1,b\n2,a\n3,b\n"), "#1", []int{1, 0, 1}, []string{"a", "b"}, ""},
		{"csv of several columns", "l.csv", []byte("1,b\n2,a\n3,b\n"), "", nil, nil, "say which holds the labels"},
		{"too few", "l.csv", []byte("5\n0\n"), "", nil, nil, "2 labels for the 3 samples"},
		{"too many", "l.csv", []byte("5\n0\n1\n1\n"), "", nil, nil, "4 labels for the 3 samples"},
		{"missing value", "l.csv", []byte("1,b\n2,\n3,b\n"), "#1", nil, nil, "label of row 2 is missing"},
		{"floats", "l.npy", npyFile("<f4", []int{3}, []float32{5, 0, 9}), "", nil, nil, "not one class number"},
		{"negative", "l.npy", npyFile("|i1", []int{3}, []int8{5, -1, 9}), "", nil, nil, "label 2 is -1"},
		{"two a sample", "l.npy", npyFile("|i1", []int{3, 2}, make([]int8, 6)), "", nil, nil, "not one class number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.file, c.content)
			s, err := Open(context.Background(), "testdata/valid-u8.idx", input1(2, 2), Options{Labels: path + c.column})
			if c.err != "" {
				wantError(t, err, c.err, c.file)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i, want := range c.want {
				if got, ok := s.Label(i); !ok || got != want {
					t.Errorf("label %d is %d, want %d", i, got, want)
				}
			}
			if !slices.Equal(s.Classes(), c.classes) {
				t.Errorf("classes %v, want %v", s.Classes(), c.classes)
			}
		})
	}
	for spec, text := range map[string]string{"folder": "pictures in folders", "array:y": "an .npz source", "column:1": "a CSV source", "none.idx": "none.idx"} {
		_, err := Open(context.Background(), "testdata/valid-u8.idx", input1(2, 2), Options{Labels: spec})
		wantError(t, err, text)
	}
}

func TestLabelsOfALimitedSource(t *testing.T) {
	path := write(t, "l.csv", []byte("5\n0\n9\n"))
	s := open(t, "testdata/valid-u8.idx", input1(2, 2), Options{Labels: path, Limit: 2})
	if class, _ := s.Label(1); class != 0 || s.Len() != 2 {
		t.Errorf("label %d of %d samples", class, s.Len())
	}
}
