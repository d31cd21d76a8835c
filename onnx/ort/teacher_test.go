// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestTeachers runs real models of several kinds, by Run, by a binding, and by Map.
func TestTeachers(t *testing.T) {
	library(t)
	type shape struct {
		typ  onnx.DataType
		dims []int64
	}
	cases := []struct {
		name string
		in   []shape
		out  []shape
	}{
		{"mnist-burn.onnx", []shape{{onnx.Float32, []int64{1, 1, 28, 28}}}, []shape{{onnx.Float32, []int64{1, 10}}}},
		{"mnist-12.onnx", []shape{{onnx.Float32, []int64{1, 1, 28, 28}}}, []shape{{onnx.Float32, []int64{1, 10}}}},
		{"mnist-12-fp16.onnx", []shape{{onnx.Float16, []int64{1, 1, 28, 28}}}, []shape{{onnx.Float16, []int64{1, 10}}}},
		{"gesture-keypoint.onnx", []shape{{onnx.Float32, []int64{5, 42}}}, []shape{{onnx.Int64, []int64{5}}}},
		{"tract-lgbm-classifier.onnx", []shape{{onnx.Float32, []int64{4, 13}}}, []shape{{onnx.Int64, []int64{4}}, {onnx.Float32, []int64{4, 3}}}},
		{"tract-bidi-lstm-bytes.onnx", []shape{{onnx.Uint8, []int64{2, 7}}}, []shape{{onnx.Float32, []int64{2, 7, 2}}}},
		{"silero-vad.onnx", []shape{{onnx.Float32, []int64{1, 512}}, {onnx.Float32, []int64{2, 1, 128}}, {onnx.Int64, nil}},
			[]shape{{onnx.Float32, []int64{1, 1}}, {onnx.Float32, []int64{2, 1, 128}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			model := teacher(t, c.name)
			s := open(t, model, Options{})
			in := make([]Value, len(c.in))
			for i, sh := range c.in {
				n, err := count(sh.dims)
				if err != nil {
					t.Fatal(err)
				}
				v := make([]float32, n)
				for j := range v {
					v[j] = float32(j * 7 % 5)
				}
				if n == 1 {
					v[0] = 16000 // the sample rate
				}
				in[i] = numbersOf(t, sh.typ, sh.dims, v...)
			}
			out := run(t, s, in...)
			if len(out) != len(c.out) || len(out) != len(s.Outputs()) {
				t.Fatalf("%d outputs", len(out))
			}
			for i, o := range out {
				if o.Type != c.out[i].typ || !slices.Equal(o.Dims, c.out[i].dims) {
					t.Errorf("output %d: %s %v, want %s %v", i, o.Type, o.Dims, c.out[i].typ, c.out[i].dims)
				}
				f, err := o.Float32s()
				if err != nil || len(f) != o.Len() || slices.ContainsFunc(f, func(x float32) bool { return math.IsNaN(float64(x)) }) {
					t.Errorf("output %d: %v, %v", i, f, err)
				}
			}
			b, err := s.Bind(in)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Run(); err != nil {
				t.Fatal(err)
			}
			bound, err := b.Outputs()
			if err != nil {
				t.Fatal(err)
			}
			for i := range out {
				same(t, bound[i], out[i])
			}
			err = Map(context.Background(), model, 2, 1, nil, 6, func(int) ([]Value, error) { return in, nil }, func(_ int, got []Value) error {
				for i := range out {
					same(t, got[i], out[i])
				}
				return nil
			})
			if err := errors.Join(err, b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}
