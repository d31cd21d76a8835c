// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// fuzz opens hostile bytes as a file of one format. Whatever is accepted must
// give every sample it promises, finite and of the promised length.
func fuzz(f *testing.F, format, pattern string, o Options) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatal("no files to start from")
	}
	for _, file := range files {
		seed, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	o.Format, o.MaxBad, o.Memory = format, 1, 1<<16
	path := filepath.Join(f.TempDir(), "x."+format)
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), path, input1(-1), o)
		if err != nil {
			return
		}
		defer s.Close()
		width := elements(s.Dims(0))
		if s.Len() == 0 || width == 0 {
			t.Fatal("accepted a source without values")
		}
		dst := make([]float32, width)
		for i := range min(s.Len(), 50) {
			if err := s.Batch(0, []int{i}, dst); err != nil {
				t.Fatal(err)
			}
			for _, v := range dst {
				if !finite(float64(v)) {
					t.Fatalf("%s holds %v", s.Name(i), v)
				}
			}
		}
	})
}

func FuzzNPY(f *testing.F) { fuzz(f, "npy", "*.npy", Options{}) }

func FuzzIDX(f *testing.F) { fuzz(f, "idx", "*.idx*", Options{}) }

func FuzzCSV(f *testing.F) {
	f.Add([]byte("# title\na,b,class\n1,2,x\n3,\"4\",y\n"))
	fuzz(f, "csv", "*.csv", Options{Labels: "column:-1"})
}
