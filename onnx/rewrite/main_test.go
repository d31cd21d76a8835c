// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// build makes a model of one float input x from what emit appends, whose result
// becomes the output y.
func build(opset int64, dims []onnx.Dim, emit func(b *onnx.Builder, x string) string) *onnx.Model {
	g := &onnx.Graph{Name: "g"}
	b := onnx.NewBuilder(g, "")
	y := emit(b, b.Input("x", onnx.Float32, dims...))
	g.Outputs = []*onnx.Value{{Name: y, Kind: "tensor", Type: onnx.Float32}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: opset}}, Graph: g}
}

// random is a float initializer of normal numbers.
func random(b *onnx.Builder, rng *rand.Rand, name string, dims ...int64) string {
	t := &onnx.Tensor{Dims: dims}
	v := make([]float32, t.Len())
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return b.Float32(name, dims, v)
}

// norm appends an inference BatchNormalization with random statistics.
func norm(b *onnx.Builder, rng *rand.Rand, x string, channels int64, attrs ...onnx.Attr) string {
	variance := make([]float32, channels)
	for i := range variance {
		variance[i] = .1 + rng.Float32()
	}
	return b.OpNamed("bn", "BatchNormalization", []string{
		x, random(b, rng, "gamma", channels), random(b, rng, "beta", channels), random(b, rng, "mean", channels),
		b.Float32("var", []int64{channels}, variance),
	}, attrs...)
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// teacher loads a shared test model, or skips the test where there is none.
func teacher(t *testing.T, name string) *onnx.Model {
	t.Helper()
	dir := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "teachers", name+".onnx")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s.onnx is not there: set KDCOMPRESS_SHARED_DATA", name)
	}
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// runtime loads ONNX Runtime, or skips the test where there is none.
func runtime(t *testing.T) {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
}

// run gives the outputs of a model in ONNX Runtime on random inputs, which depend
// on the seed alone. Open dimensions are batch, scalars are the number 16000.
func run(t *testing.T, m *onnx.Model, batch int64, seed uint64) []ort.Value {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.Open(data, ort.Options{Threads: 1, NoOptimise: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := source(seed)
	var in []ort.Value
	for _, v := range m.Graph.DataInputs() {
		var dims []int64
		n := int64(1)
		for _, d := range v.Dims {
			if d.Size < 0 {
				d.Size = batch
			}
			dims = append(dims, d.Size)
			n *= d.Size
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = rng.Float32()
			if v.Type != onnx.Float32 && v.Type != onnx.Float16 {
				x[i] = float32(rng.IntN(100))
			}
			if dims == nil {
				x[i] = 16000
			}
		}
		value, err := ort.FromFloat32(v.Type, dims, x)
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, value)
	}
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// alike compares outputs up to tol, relative to the largest magnitude.
func alike(t *testing.T, got, want []ort.Value, tol float64) {
	t.Helper()
	if len(got) < len(want) {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	for i := range want {
		a, err := got[i].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		b, err := want[i].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		if len(a) != len(b) || len(a) == 0 {
			t.Fatalf("output %d has %d elements, want %d", i, len(a), len(b))
		}
		scale := 1.0
		for _, v := range b {
			scale = max(scale, math.Abs(float64(v)))
		}
		for j := range a {
			if d := math.Abs(float64(a[j]) - float64(b[j])); !(d <= tol*scale) {
				t.Fatalf("output %d, element %d: %g, want %g", i, j, a[j], b[j])
			}
		}
	}
}

// ops lists the operators of a graph in order.
func ops(m *onnx.Model) []string {
	var out []string
	for _, n := range m.Graph.Nodes {
		out = append(out, n.OpType)
	}
	return out
}
