// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// library loads ONNX Runtime, or skips the test where there is none.
func library(t testing.TB) {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
}

// net builds graphs with seeded weights of the usual size.
type net struct {
	*onnx.Builder
	r *rand.Rand
}

func (n *net) weight(stem string, fan int, dims ...int64) string {
	size := int64(1)
	for _, d := range dims {
		size *= d
	}
	v := make([]float32, size)
	for i := range v {
		v[i] = float32(n.r.NormFloat64() * math.Sqrt(2/float64(fan)))
	}
	return n.Float32(stem, dims, v)
}

func (n *net) conv(x string, in, out, size, stride, group int64) string {
	fan := int(in / group * size * size)
	w := n.weight("w", fan, out, in/group, size, size)
	b := n.weight("b", 20, out)
	p := size / 2
	return n.Op("Conv", []string{x, w, b}, onnx.Ints("kernel_shape", size, size), onnx.Ints("strides", stride, stride), onnx.Ints("pads", p, p, p, p), onnx.Int("group", group))
}

func (n *net) gemm(x string, in, out int64) string {
	return n.Op("Gemm", []string{x, n.weight("w", int(in), out, in), n.weight("b", 20, out)}, onnx.Int("transB", 1))
}

func (n *net) relu6(x string) string {
	return n.Op("Clip", []string{x, n.Float32("lo", nil, []float32{0}), n.Float32("hi", nil, []float32{6})})
}

// nets are the shapes of graphs that quantization meets, with the number of
// weighted sums that integers can compute.
var nets = []struct {
	name  string
	opset int64
	input []onnx.Dim
	build func(n *net, x string) string
	count int
}{
	{"plain", 13, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(12), onnx.Fixed(12)}, func(n *net, x string) string {
		x = n.Op("Relu", []string{n.conv(x, 3, 16, 3, 1, 1)})
		x = n.Op("MaxPool", []string{x}, onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2))
		x = n.Op("Relu", []string{n.conv(x, 16, 16, 3, 1, 1)})
		x = n.Op("Flatten", []string{x})
		x = n.Op("Relu", []string{n.gemm(x, 576, 32)})
		return n.gemm(x, 32, 5)
	}, 4},
	{"residual", 13, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8)}, func(n *net, x string) string {
		x = n.Op("Relu", []string{n.conv(x, 3, 16, 3, 1, 1)})
		y := n.Op("Relu", []string{n.conv(x, 16, 16, 3, 1, 1)})
		x = n.Op("Relu", []string{n.Op("Add", []string{n.conv(y, 16, 16, 3, 1, 1), x})})
		x = n.Op("GlobalAveragePool", []string{x})
		return n.gemm(n.Op("Flatten", []string{x}), 16, 5)
	}, 4},
	{"depthwise", 13, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8)}, func(n *net, x string) string {
		x = n.relu6(n.conv(x, 3, 16, 3, 1, 1))
		x = n.relu6(n.conv(x, 16, 16, 3, 1, 16))
		x = n.relu6(n.conv(x, 16, 32, 1, 1, 1))
		x = n.Op("GlobalAveragePool", []string{x})
		return n.gemm(n.Op("Flatten", []string{x}), 32, 5)
	}, 4},
	{"per tensor", 11, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8)}, func(n *net, x string) string {
		x = n.Op("Relu", []string{n.conv(x, 3, 16, 3, 1, 1)})
		x = n.Op("Relu", []string{n.conv(x, 16, 16, 3, 2, 1)})
		return n.gemm(n.Op("Flatten", []string{x}), 256, 5)
	}, 3},
	{"gated", 13, []onnx.Dim{onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8)}, func(n *net, x string) string {
		c := n.conv(x, 3, 16, 3, 1, 1)
		x = n.Op("Mul", []string{c, n.Op("Sigmoid", []string{c})})
		x = n.Op("Concat", []string{n.conv(x, 16, 8, 3, 1, 1), n.conv(x, 16, 8, 1, 1, 1)}, onnx.Int("axis", 1))
		x = n.Op("LeakyRelu", []string{n.conv(x, 16, 8, 3, 1, 1)})
		return n.gemm(n.Op("Flatten", []string{x}), 512, 5)
	}, 5},
	{"matmul", 13, []onnx.Dim{onnx.Fixed(7), onnx.Fixed(16)}, func(n *net, x string) string {
		h := n.Op("MatMul", []string{x, n.weight("w", 16, 16, 64)})
		h = n.Op("Relu", []string{n.Op("Add", []string{h, n.weight("b", 20, 64)})})
		h = n.Op("MatMul", []string{h, n.weight("w", 64, 64, 16)})
		x = n.Op("Add", []string{x, h})
		a := n.Op("Softmax", []string{n.Op("MatMul", []string{x, n.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))})}, onnx.Int("axis", -1))
		return n.Op("MatMul", []string{n.Op("MatMul", []string{a, x}), n.weight("w", 16, 16, 5)})
	}, 3},
	{"normalised", 17, []onnx.Dim{onnx.Fixed(7), onnx.Fixed(16)}, func(n *net, x string) string {
		for range 2 {
			h := n.Op("LayerNormalization", []string{x, n.weight("gain", 1, 16), n.weight("b", 20, 16)})
			h = n.Op("MatMul", []string{h, n.weight("w", 16, 16, 64)})
			h = n.Op("Relu", []string{n.Op("Add", []string{h, n.weight("b", 20, 64)})})
			x = n.Op("Add", []string{x, n.Op("MatMul", []string{h, n.weight("w", 64, 64, 16)})})
		}
		return n.Op("MatMul", []string{x, n.weight("w", 16, 16, 5)})
	}, 5},
	{"perceptron of matmuls", 12, []onnx.Dim{onnx.Fixed(20)}, func(n *net, x string) string {
		x = n.Op("Add", []string{n.Op("MatMul", []string{x, n.weight("w", 20, 20, 64)}), n.weight("b", 20, 64)})
		x = n.Op("Relu", []string{x})
		return n.Op("Add", []string{n.Op("MatMul", []string{x, n.weight("w", 64, 64, 5)}), n.weight("b", 20, 5)})
	}, 2},
}

func model(name string) *onnx.Model {
	for _, c := range nets {
		if c.name != name {
			continue
		}
		g := &onnx.Graph{Name: name}
		n := &net{onnx.NewBuilder(g, ""), rand.New(rand.NewPCG(7, 7))}
		x := n.Input("x", onnx.Float32, append([]onnx.Dim{onnx.Symbolic("N")}, c.input...)...)
		y := c.build(n, x)
		for _, node := range g.Nodes {
			for i, o := range node.Outputs {
				if o == y {
					node.Outputs[i] = "y"
				}
			}
		}
		n.Output("y", onnx.Float32)
		return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: c.opset}}, Graph: g}
	}
	panic("no net " + name)
}

// samples feeds batches of smooth random inputs to a model of one input.
func samples(m *onnx.Model, batches, size int) Feed {
	dims := []int64{int64(size)}
	n := size
	for _, d := range m.Graph.Inputs[0].Dims[1:] {
		dims = append(dims, d.Size)
		n *= int(d.Size)
	}
	return Feed{Batches: batches, Workers: 2, Fill: func(b int) ([]ort.Value, error) {
		r := rand.New(rand.NewPCG(uint64(b), 1))
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		x, err := ort.FromFloat32(onnx.Float32, dims, v)
		return []ort.Value{x}, err
	}}
}

func encoded(t testing.TB, m *onnx.Model) []byte {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outputs runs a model over the samples and returns its first output.
func outputs(t testing.TB, m *onnx.Model, f Feed, o ort.Options) []float32 {
	t.Helper()
	s, err := ort.Open(encoded(t, m), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []float32
	for b := range f.Batches {
		in, err := f.Fill(b)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		v, err := out[0].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

// noise is the energy of the difference over that of a.
func noise(a, b []float32) float64 {
	var d, s float64
	for i := range a {
		d += float64(a[i]-b[i]) * float64(a[i]-b[i])
		s += float64(a[i]) * float64(a[i])
	}
	return d / s
}
