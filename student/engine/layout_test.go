// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/op"
)

// drawing is a graph under construction over images x[N, 3, 9, 9], or sequences.
type drawing struct {
	*onnx.Builder
	r *rand.Rand
}

func (d *drawing) weight(dims ...int64) string {
	n := int64(1)
	for _, x := range dims {
		n *= x
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(d.r.NormFloat64() / 4)
	}
	return d.Float32("w", dims, v)
}

func (d *drawing) conv(x string, in, out, taps int64, attrs ...onnx.Attr) string {
	pad := taps / 2
	return d.Op("Conv", []string{x, d.weight(out, in, taps, taps), d.weight(out)}, append(attrs, onnx.Ints("pads", pad, pad, pad, pad))...)
}

func (d *drawing) norm(x string, n int64) string {
	positive := make([]float32, n)
	for i := range positive {
		positive[i] = 0.5 + d.r.Float32()
	}
	return d.Op("BatchNormalization", []string{x, d.weight(n), d.weight(n), d.weight(n), d.Float32("var", []int64{n}, positive)})
}

func (d *drawing) op(name string, in ...string) string { return d.Op(name, in) }

// layouts are graphs that mix operators which know images whose channels come last
// with others. Each returns what is to be reduced to a loss; kept are further
// tensors to compare.
var layouts = []struct {
	name  string
	build func(d *drawing, x string) (y string, kept []string)
}{
	{"residual, norms", func(d *drawing, x string) (string, []string) {
		a := d.op("Relu", d.norm(d.conv(x, 3, 16, 3), 16))
		b := d.norm(d.conv(d.op("Relu", d.norm(d.conv(a, 16, 16, 3), 16)), 16, 16, 3), 16)
		c := d.op("Relu", d.op("Add", a, b))
		s := d.norm(d.conv(c, 16, 32, 1, onnx.Ints("strides", 2, 2)), 32)
		e := d.norm(d.conv(c, 16, 32, 3, onnx.Ints("strides", 2, 2)), 32)
		return d.op("GlobalAveragePool", d.op("Relu", d.op("Add", e, s))), nil
	}},
	{"kept within", func(d *drawing, x string) (string, []string) {
		a := d.conv(x, 3, 16, 3)
		b := d.op("Relu", a)
		c := d.conv(b, 16, 16, 3)
		return d.op("Relu", c), []string{a, b, c}
	}},
	{"activations with weights", func(d *drawing, x string) (string, []string) {
		a := d.op("PRelu", d.conv(x, 3, 16, 3), d.weight(16, 1, 1))
		b := d.op("Mul", d.conv(a, 16, 16, 3), d.weight(1, 16, 1, 1))
		c := d.op("Clip", d.op("Add", d.weight(16, 1, 1), b), d.Float32("low", nil, []float32{-0.5}), d.Float32("high", nil, []float32{0.5}))
		return d.op("Sub", d.op("Tanh", c), d.Float32("half", []int64{1}, []float32{0.5})), nil
	}},
	{"weights of other shapes", func(d *drawing, x string) (string, []string) {
		a := d.op("Add", d.conv(x, 3, 16, 3), d.weight(16, 9, 9))
		return d.conv(d.op("Mul", a, d.weight(9)), 16, 16, 3), nil
	}},
	{"concatenation", func(d *drawing, x string) (string, []string) {
		a := d.conv(x, 3, 16, 3)
		b := d.conv(a, 16, 16, 1)
		c := d.Op("Concat", []string{a, b}, onnx.Int("axis", 1))
		return d.conv(d.Op("Concat", []string{c, x}, onnx.Int("axis", 1)), 35, 16, 3), nil
	}},
	{"gates", func(d *drawing, x string) (string, []string) {
		a := d.op("HardSwish", d.conv(x, 3, 16, 3))
		g := d.op("HardSigmoid", d.conv(d.op("Relu", d.conv(d.op("GlobalAveragePool", a), 16, 8, 1)), 8, 16, 1))
		return d.conv(d.op("Mul", g, a), 16, 16, 1), nil
	}},
	{"pools and a head", func(d *drawing, x string) (string, []string) {
		size, stride := onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2)
		a := d.Op("MaxPool", []string{d.op("Relu", d.conv(x, 3, 16, 3))}, size, stride)
		b := d.Op("AveragePool", []string{d.norm(d.conv(a, 16, 16, 3), 16)}, size, stride)
		return d.op("MatMul", d.op("Flatten", b), d.weight(64, 7)), nil
	}},
	{"depthwise", func(d *drawing, x string) (string, []string) {
		bounds := []string{d.Float32("low", nil, []float32{0}), d.Float32("high", nil, []float32{6})}
		relu6 := func(x string) string { return d.Op("Clip", append([]string{x}, bounds...)) }
		a := relu6(d.norm(d.conv(x, 3, 16, 3), 16))
		b := d.Op("Conv", []string{a, d.weight(16, 1, 3, 3)}, onnx.Ints("pads", 1, 1, 1, 1), onnx.Int("group", 16), onnx.Ints("strides", 2, 2))
		return d.op("Add", relu6(d.norm(b, 16)), d.conv(relu6(d.norm(d.conv(b, 16, 32, 1), 32)), 32, 16, 1)), nil
	}},
	{"unfit widths", func(d *drawing, x string) (string, []string) {
		a := d.op("Relu", d.conv(x, 3, 5, 3))
		return d.conv(d.conv(d.conv(a, 5, 16, 3), 16, 16, 3), 16, 6, 3), nil
	}},
	{"both orders", func(d *drawing, x string) (string, []string) {
		a := d.conv(x, 3, 16, 3)
		turned := d.Op("Transpose", []string{a}, onnx.Ints("perm", 0, 2, 3, 1))
		return d.op("Add", turned, d.Op("Transpose", []string{d.conv(a, 16, 16, 3)}, onnx.Ints("perm", 0, 2, 3, 1))), nil
	}},
	{"sequences", func(d *drawing, x string) (string, []string) {
		s := d.Op("Reshape", []string{x, d.Int64("shape", []int64{3}, []int64{0, 3, 81})})
		wave := func(x string, in, out, taps int64) string {
			return d.Op("Conv", []string{x, d.weight(out, in, taps), d.weight(out)}, onnx.Ints("pads", 2, 2), onnx.Ints("strides", 2))
		}
		a := d.op("Relu", wave(s, 3, 16, 5))
		return wave(d.op("PRelu", wave(a, 16, 32, 5), d.weight(32, 1)), 32, 16, 5), []string{a}
	}},
}

// The rewritten graph computes what the graph as it is computes: losses, kept
// tensors, gradients and states.
func TestChannelsLast(t *testing.T) {
	for _, c := range layouts {
		for _, training := range []bool{false, true} {
			t.Run(c.name+map[bool]string{false: ", evaluated", true: ", trained"}[training], func(t *testing.T) {
				g := &onnx.Graph{Name: "g"}
				d := &drawing{Builder: onnx.NewBuilder(g, ""), r: rand.New(rand.NewPCG(51, 52))}
				x := d.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3), onnx.Fixed(9), onnx.Fixed(9))
				y, kept := c.build(d, x)
				flat := d.Op("Flatten", []string{y})
				loss := d.Op("ReduceMean", []string{d.Op("Mul", []string{flat, d.Op("Tanh", []string{flat})}), d.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
				opt := Options{Batch: 6, Shards: 2, Threads: 2, Opset: 20, Training: training, Outputs: append(kept, y), SliceBytes: 1}
				if training {
					opt.Losses = []string{loss}
				} else {
					opt.Outputs = append(opt.Outputs, loss)
				}
				live := *g
				l := channelsLast(&live, opt.Opset, slices.Concat(opt.Outputs, opt.Losses))
				if l == nil || !slices.ContainsFunc(l.g.Nodes, func(n *onnx.Node) bool { return n.Domain == op.ChannelsLast && n.OpType == "Conv" }) {
					t.Fatal("nothing is rewritten")
				}
				run := func(g *onnx.Graph) (*Plan[float32], *Params[float32]) {
					params, err := NewParams[float32](d.G, nil)
					if err != nil {
						t.Fatal(err)
					}
					p, err := compile(g, params, opt)
					if err != nil {
						t.Fatal(err)
					}
					r := rand.New(rand.NewPCG(53, 54))
					for i := range p.Input("x") {
						p.Input("x")[i] = float32(r.NormFloat64())
					}
					if err := p.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
					return p, params
				}
				first, weights := run(g)
				last, others := run(l.g)
				last.layout = l
				near := func(what string, got, want []float32) {
					t.Helper()
					size := 1e-3
					for _, v := range want {
						size = max(size, math.Abs(float64(v)))
					}
					for i, v := range want {
						if d := math.Abs(float64(got[i] - v)); !(d <= 2e-4*size) {
							t.Fatalf("%s: element %d is %g, not %g", what, i, got[i], v)
						}
					}
				}
				for _, name := range slices.Concat(opt.Outputs, opt.Losses) {
					near(name, last.Output(name), first.Output(name))
				}
				for _, n := range g.Nodes {
					if got, want := last.Shape(n.Outputs[0]), first.Shape(n.Outputs[0]); !slices.Equal(got, want) {
						t.Errorf("%s has shape %v, not %v", n.Outputs[0], got, want)
					}
				}
				if training {
					near("gradients", others.Grad, weights.Grad)
				}
				near("states", others.W, weights.W)
			})
		}
	}
}
