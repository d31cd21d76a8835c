// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// net is a graph with a per-sample loss, and the inputs it reads.
type net struct {
	graph  *onnx.Graph
	inputs map[string]int // elements a sample
	loss   string
	opset  int // 0 is 13
}

func random(r *rand.Rand, dims ...int64) []float32 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * 0.4)
	}
	return v
}

// convnet is conv, BatchNorm, ReLU, a residual add, pooling, a linear layer and
// a softmax divergence: sample by sample but for the BatchNorm.
func convnet(norm bool) net {
	r := rand.New(rand.NewPCG(3, 5))
	g := &onnx.Graph{Name: "net"}
	b := onnx.NewBuilder(g, "")
	weight := func(stem string, dims ...int64) string { return b.Float32(stem, dims, random(r, dims...)) }
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2), onnx.Fixed(6), onnx.Fixed(5))
	t := b.Input("t", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))
	conv := func(stem, in string, from, to int64) string {
		y := b.OpNamed(stem, "Conv", []string{in, weight(stem+".w", to, from, 3, 3), weight(stem+".b", to)}, onnx.Ints("pads", 1, 1, 1, 1), onnx.Ints("kernel_shape", 3, 3))
		if !norm {
			return y
		}
		return b.Op("BatchNormalization", []string{y, weight(stem+".scale", to), weight(stem+".shift", to),
			b.Float32(stem+".mean", []int64{to}, make([]float32, to)), b.Float32(stem+".var", []int64{to}, []float32{1, 1, 1, 1}[:to])})
	}
	h := b.Op("Tanh", []string{conv("c1", x, 2, 4)})
	h = b.Op("Add", []string{h, b.Op("Sigmoid", []string{conv("c2", h, 4, 4)})})
	h = b.Op("AveragePool", []string{h}, onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2))
	h = b.Op("Flatten", []string{h})
	z := b.Op("Gemm", []string{h, weight("w", 3, 24), weight("bias", 3)}, onnx.Int("transB", 1))
	b.Output(z, onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))
	gap := b.Op("Sub", []string{b.Op("LogSoftmax", []string{t}, onnx.Int("axis", 1)), b.Op("LogSoftmax", []string{z}, onnx.Int("axis", 1))})
	kl := b.Op("Mul", []string{b.Op("Softmax", []string{t}, onnx.Int("axis", 1)), gap})
	loss := b.Op("ReduceSum", []string{kl, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return net{graph: g, inputs: map[string]int{"x": 60, "t": 3}, loss: loss}
}

// batchMean is a net whose objective is a scalar over the whole batch and whose
// weight passes through arithmetic of its own before it is used.
func batchMean() net {
	r := rand.New(rand.NewPCG(7, 5))
	g := &onnx.Graph{Name: "mean"}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(4))
	w := b.Float32("w", []int64{4, 3}, random(r, 4, 3))
	w = b.Op("Tanh", []string{w})
	h := b.Op("MatMul", []string{x, w})
	h = b.Op("Mul", []string{h, h})
	return net{graph: g, inputs: map[string]int{"x": 4}, loss: b.Op("ReduceMean", []string{h}, onnx.Int("keepdims", 0))}
}

// run compiles the net, fills its inputs from a fixed seed and runs it once.
func run[T float32 | float64](t *testing.T, n net, opt Options) (*Plan[T], *Params[T]) {
	t.Helper()
	p, err := NewParams[T](n.graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	opt.Opset, opt.Losses = max(opt.Opset, n.opset, 13), []string{n.loss}
	plan, err := Compile(n.graph, p, opt)
	if err != nil {
		t.Fatal(err)
	}
	fill(plan, n)
	if err := plan.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return plan, p
}

func fill[T float32 | float64](plan *Plan[T], n net) {
	r := rand.New(rand.NewPCG(11, 13))
	var names []string
	for name := range n.inputs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		in := plan.Input(name)
		for i := range in {
			in[i] = T(float32(r.NormFloat64()))
		}
	}
}

var nets = map[string]func() net{
	"plain":      func() net { return convnet(false) },
	"batch norm": func() net { return convnet(true) },
	"batch mean": batchMean,
	"masked":     func() net { return masked(true) },
	"shaped":     shaped,
}

// TestGradients compares every weight's gradient, along random directions, with
// central differences of the loss in float64.
func TestGradients(t *testing.T) {
	for name, make := range nets {
		t.Run(name, func(t *testing.T) {
			n := make()
			for _, shards := range []int{1, 3} {
				plan, p := run[float64](t, n, Options{Batch: 7, Shards: shards, Training: true, SliceBytes: 1})
				grad := slices.Clone(p.Grad)
				for _, q := range p.List {
					if q.State {
						continue
					}
					r := rand.New(rand.NewPCG(17, uint64(q.Off)))
					dir := random(r, int64(q.Len))
					const h = 1e-5
					at := func(step float64) float64 {
						w := p.Values(q.Name)
						old := slices.Clone(w)
						for i := range w {
							w[i] += step * float64(dir[i])
						}
						if err := plan.Run(context.Background()); err != nil {
							t.Fatal(err)
						}
						copy(w, old)
						return plan.Loss()
					}
					want := (at(h) - at(-h)) / (2 * h)
					var got float64
					for i, d := range dir {
						got += float64(d) * grad[q.Off+i]
					}
					// A convolution's bias before BatchNorm has gradient zero.
					if math.Abs(got-want) > 1e-7*(1e-2+math.Abs(want)) {
						t.Errorf("%d shards, %s: gradient %g along the direction, differences give %g", shards, q.Name, got, want)
					}
				}
			}
		})
	}
}

// TestShardsAndSlices demands the same loss and gradients however the batch is cut.
func TestShardsAndSlices(t *testing.T) {
	for name, make := range nets {
		t.Run(name, func(t *testing.T) {
			n := make()
			ref, refP := run[float64](t, n, Options{Batch: 9, Training: true, SliceBytes: 1 << 30})
			for _, shards := range []int{1, 2, 4, 9} {
				for _, slice := range []int{1, 4000, 1 << 30} {
					plan, p := run[float64](t, n, Options{Batch: 9, Shards: shards, Training: true, SliceBytes: slice})
					if d := math.Abs(plan.Loss() - ref.Loss()); d > 1e-12 {
						t.Errorf("%d shards, slices of %d bytes: loss differs by %g", shards, slice, d)
					}
					for i, g := range p.Grad {
						if math.Abs(g-refP.Grad[i]) > 1e-12 {
							t.Fatalf("%d shards, slices of %d bytes: gradient %d is %g, not %g", shards, slice, i, g, refP.Grad[i])
						}
					}
					for i, w := range p.W {
						if math.Abs(w-refP.W[i]) > 1e-12 {
							t.Fatalf("%d shards, slices of %d bytes: state %d is %g, not %g", shards, slice, i, w, refP.W[i])
						}
					}
				}
			}
		})
	}
}

// TestRunsAreRepeatable runs one plan twice: nothing of the first run is left
// in the second. BatchNorm's running statistics move and are left out.
func TestRunsAreRepeatable(t *testing.T) {
	n := convnet(false)
	plan, p := run[float32](t, n, Options{Batch: 8, Shards: 2, Training: true})
	first, loss := slices.Clone(p.Grad), plan.Loss()
	if err := plan.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first, p.Grad) || loss != plan.Loss() {
		t.Error("the second run of a plan differs from the first")
	}
}

func TestForwardOnly(t *testing.T) {
	n := convnet(true)
	p, err := NewParams[float32](n.graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := n.graph.Outputs[0].Name
	var want []float32
	for _, batch := range []int{6, 3} {
		plan, err := Compile(n.graph, p, Options{Batch: batch, Shards: 2, Opset: 13})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		x := plan.Input("x")
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		if err := plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(plan.Output(out))
		if want == nil {
			want = got
			continue
		}
		if !slices.Equal(want[:len(got)], got) {
			t.Error("an answer depends on what else is in the batch")
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		build      func() net
	}{
		{"unknown operator", "operator Frobnicate", func() net {
			g := &onnx.Graph{}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			return net{graph: g, loss: b.Op("Frobnicate", []string{x})}
		}},
		{"nothing to train", "nothing that can be trained", func() net {
			g := &onnx.Graph{}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			return net{graph: g, loss: b.Op("Relu", []string{x})}
		}},
		{"objective that is not one", "must be a scalar", func() net {
			g := &onnx.Graph{}
			b := onnx.NewBuilder(g, "")
			b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(2))
			w := b.Float32("w", []int64{3}, []float32{1, 2, 3})
			return net{graph: g, loss: b.Op("Exp", []string{w})}
		}},
		{"input without a size", `dimension 1 ("L")`, func() net {
			g := &onnx.Graph{}
			b := onnx.NewBuilder(g, "")
			x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Symbolic("L"))
			return net{graph: g, loss: b.Op("Relu", []string{x})}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := tc.build()
			p, err := NewParams[float32](n.graph, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(n.graph, p, Options{Batch: 2, Opset: 13, Losses: []string{n.loss}})
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(fmt.Sprint(err), "\n") {
				t.Errorf("error %q, want one line with %q", err, tc.want)
			}
		})
	}
}

// TestFolding checks that arithmetic on constants is done once and shapes that
// come out of it can be used.
func TestFolding(t *testing.T) {
	g := &onnx.Graph{}
	b := onnx.NewBuilder(g, "")
	x := b.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(4))
	shape := b.Op("Concat", []string{b.Int64("a", []int64{1}, []int64{-1}), b.Int64("b", []int64{2}, []int64{2, 2})}, onnx.Int("axis", 0))
	y := b.Op("Reshape", []string{x, shape})
	b.Output(y, onnx.Float32)
	p, err := NewParams[float32](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Compile(g, p, Options{Batch: 3, Opset: 13})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Shape(y); !slices.Equal(got, []int{3, 2, 2}) {
		t.Errorf("shape %v", got)
	}
}

func TestPackOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for range 50 {
		var list []*buffer
		for range 30 {
			a := r.IntN(40)
			list = append(list, &buffer{per: 1 + r.IntN(100), seg0: a, seg1: a + r.IntN(10)})
		}
		total := pack(list, 3, func(b *buffer) (int, int) { return b.seg0, b.seg1 })
		for i, p := range list {
			if p.off+3*p.per > total {
				t.Fatal("a buffer ends behind the arena")
			}
			for _, q := range list[:i] {
				alive := p.seg0 <= q.seg1 && q.seg0 <= p.seg1
				if alive && p.off < q.off+3*q.per && q.off < p.off+3*p.per {
					t.Fatal("two live buffers overlap")
				}
			}
		}
	}
}
