// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// sequenceNet is a graph under construction over sequences of steps x features.
type sequenceNet struct {
	*onnx.Builder
	r *rand.Rand
}

func (s *sequenceNet) weight(stem string, dims ...int64) string {
	return s.Float32(stem, dims, random(s.r, dims...))
}

func (s *sequenceNet) transpose(x string, perm ...int64) string {
	return s.Op("Transpose", []string{x}, onnx.Ints("perm", perm...))
}

func (s *sequenceNet) ints(v ...int64) string {
	return s.Int64("ints", []int64{int64(len(v))}, v)
}

const steps_, features = 5, 3

// sequence makes a net over [N, steps, features]: body gives a tensor whose elements
// are summed sample by sample over the given axes.
func sequence(body func(s *sequenceNet, x string) (y string, axes []int64)) func() net {
	return func() net {
		g := &onnx.Graph{Name: "sequence"}
		s := &sequenceNet{onnx.NewBuilder(g, ""), rand.New(rand.NewPCG(31, 5))}
		x := s.Input("x", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(steps_), onnx.Fixed(features))
		y, axes := body(s, x)
		y = s.Op("Sin", []string{s.Op("Mul", []string{y, s.Float32("three", nil, []float32{3})})})
		loss := s.Op("ReduceSum", []string{y, s.ints(axes...)}, onnx.Int("keepdims", 0))
		return net{g, map[string]int{"x": steps_ * features}, loss, 18}
	}
}

// lstm is a recurrent node of the given hidden size.
func (s *sequenceNet) recurrent(kind string, x string, in, hidden int64, direction string, outs int, states ...string) []string {
	gates, dirs := map[string]int64{"LSTM": 4, "GRU": 3, "RNN": 1}[kind], int64(1)
	if direction == "bidirectional" {
		dirs = 2
	}
	args := []string{x, s.weight("W", dirs, gates*hidden, in), s.weight("R", dirs, gates*hidden, hidden), s.weight("B", dirs, 2*gates*hidden), ""}
	attrs := []onnx.Attr{onnx.Int("hidden_size", hidden), onnx.String("direction", direction)}
	if kind == "GRU" {
		attrs = append(attrs, onnx.Int("linear_before_reset", 1))
	}
	return s.OpMulti("y", kind, append(args, states...), outs, attrs...)
}

// batchSize is the number of samples as a graph computes it: Shape, Gather.
func (s *sequenceNet) batchSize(x string, axis int64) string {
	n := s.Op("Gather", []string{s.Op("Shape", []string{x}), s.Int64("axis", nil, []int64{axis})})
	return s.Op("Unsqueeze", []string{n, s.ints(0)})
}

// innerNets are nets that read or keep the samples on another axis than the first, in
// the forms exporters write. None needs to leave the way by samples.
var innerNets = map[string]func() net{
	// torch.nn.LSTM(batch_first=True, bidirectional=True, num_layers=2) and the last step.
	"torch, two layers": sequence(func(s *sequenceNet, x string) (string, []int64) {
		x = s.transpose(x, 1, 0, 2)
		for i, in := range []int64{features, 8} {
			shape := s.Op("Concat", []string{s.ints(2), s.batchSize(x, 1), s.ints(4)}, onnx.Int("axis", 0))
			state := s.Op("ConstantOfShape", []string{shape})
			if i > 0 {
				state = s.Op("Expand", []string{s.weight("h", 2, 1, 4), shape})
			}
			x = s.recurrent("LSTM", x, in, 4, "bidirectional", 3, state, state)[0]
			x = s.Op("Reshape", []string{s.transpose(x, 0, 2, 1, 3), s.ints(0, 0, -1)})
		}
		x = s.transpose(x, 1, 0, 2)
		return s.Op("Gather", []string{x, s.Int64("last", nil, []int64{-1})}, onnx.Int("axis", 1)), []int64{1}
	}),
	// torch.nn.GRU over steps first; both final states side by side.
	"torch, final states": sequence(func(s *sequenceNet, x string) (string, []int64) {
		y := s.recurrent("GRU", s.transpose(x, 1, 0, 2), features, 4, "bidirectional", 2)
		a := s.Op("Gather", []string{y[1], s.Int64("a", nil, []int64{-2})}, onnx.Int("axis", 0))
		b := s.Op("Gather", []string{y[1], s.Int64("b", nil, []int64{-1})}, onnx.Int("axis", 0))
		return s.Op("Concat", []string{a, b}, onnx.Int("axis", 1)), []int64{1}
	}),
	// tf2onnx: two nodes and a Squeeze each, a Dense layer on every step.
	"keras": sequence(func(s *sequenceNet, x string) (string, []int64) {
		t := s.transpose(x, 1, 0, 2)
		a := s.Op("Squeeze", []string{s.recurrent("LSTM", t, features, 4, "forward", 1)[0], s.ints(1)})
		b := s.Op("Squeeze", []string{s.recurrent("RNN", t, features, 4, "reverse", 1)[0], s.ints(1)})
		y := s.Op("Concat", []string{a, b}, onnx.Int("axis", 2))
		y = s.Op("Tanh", []string{s.Op("Add", []string{s.Op("MatMul", []string{y, s.weight("dense", 8, 2)}), s.weight("bias", 2)})})
		return s.transpose(y, 1, 0, 2), []int64{1, 2}
	}),
	// Everything between two Transposes in time-first order.
	"arithmetic": sequence(func(s *sequenceNet, x string) (string, []int64) {
		t := s.transpose(x, 1, 0, 2) // [5, N, 3]
		t = s.Op("Add", []string{t, s.weight("position", steps_, 1, features)})
		t = s.Op("Mul", []string{t, s.Op("Sigmoid", []string{s.Op("MatMul", []string{t, s.weight("gate", features, features)})})})
		t = s.Op("LayerNormalization", []string{t, s.weight("scale", features), s.weight("shift", features)})
		parts := s.OpMulti("part", "Split", []string{t}, 2, onnx.Int("axis", 0), onnx.Int("num_outputs", 2))
		m := s.Op("ReduceMean", []string{parts[0], s.ints(0)}, onnx.Int("keepdims", 0)) // [N, 3]
		e := s.Op("Softmax", []string{parts[1]}, onnx.Int("axis", 0))
		c := s.Op("Slice", []string{e, s.ints(0), s.ints(1), s.ints(0)})
		c = s.Op("Add", []string{c, s.Op("Unsqueeze", []string{m, s.ints(0)})}) // [1, N, 3]
		return s.Op("Add", []string{s.Op("Squeeze", []string{c, s.ints(0)}), m}), []int64{1}
	}),
	// torch.nn.MultiheadAttention on steps first: heads and samples on one axis, and
	// steps and samples on one for the last product.
	"attention": sequence(func(s *sequenceNet, x string) (string, []int64) {
		const heads, width = 2, 4
		t := s.transpose(x, 1, 0, 2)
		var qkv [3]string
		n := s.batchSize(x, 0)
		merged := s.Op("Concat", []string{s.ints(steps_), s.Op("Mul", []string{n, s.ints(heads)}), s.ints(width / heads)}, onnx.Int("axis", 0))
		for i := range qkv {
			y := s.Op("MatMul", []string{t, s.weight("in", features, width)})
			y = s.transpose(s.Op("Reshape", []string{y, merged}), 1, 0, 2) // [N*heads, 5, 2]
			split := s.Op("Concat", []string{n, s.ints(heads, steps_, width/heads)}, onnx.Int("axis", 0))
			qkv[i] = s.Op("Reshape", []string{y, split})
		}
		scores := s.Op("Softmax", []string{s.Op("MatMul", []string{qkv[0], s.transpose(qkv[1], 0, 1, 3, 2)})}, onnx.Int("axis", -1))
		y := s.transpose(s.Op("MatMul", []string{scores, qkv[2]}), 2, 0, 1, 3) // [5, N, heads, 2]
		y = s.Op("Reshape", []string{y, s.Op("Concat", []string{s.Op("Mul", []string{n, s.ints(steps_)}), s.ints(width)}, onnx.Int("axis", 0))})
		y = s.Op("Gemm", []string{y, s.weight("out", width, width), s.weight("bias", width)})
		y = s.Op("Reshape", []string{y, s.Op("Concat", []string{s.ints(steps_), n, s.ints(width)}, onnx.Int("axis", 0))})
		return s.transpose(y, 1, 0, 2), []int64{1, 2}
	}),
}

// outerNets leave the way by samples somewhere and come to an objective all the same.
var outerNets = map[string]func() net{
	"samples mixed": sequence(func(s *sequenceNet, x string) (string, []int64) {
		t := s.transpose(x, 1, 0, 2)
		t = s.Op("MatMul", []string{t, s.weight("w", features, features)})
		all := s.Op("Softmax", []string{t}, onnx.Int("axis", 1)) // over the samples
		return s.transpose(s.Op("Add", []string{all, t}), 1, 0, 2), []int64{1, 2}
	}),
	"no rule": sequence(func(s *sequenceNet, x string) (string, []int64) {
		t := s.transpose(s.Op("MatMul", []string{x, s.weight("w", features, features)}), 1, 0, 2)
		t = s.Op("LpNormalization", []string{t}, onnx.Int("axis", 2))
		return s.Op("Add", []string{x, s.transpose(t, 1, 0, 2)}), []int64{1, 2}
	}),
}

func init() {
	for name, make := range innerNets {
		nets[name] = make
	}
	for name, make := range outerNets {
		nets[name] = make
	}
}

// TestBySamples expects that nothing but the weights' own arithmetic runs on the whole
// batch at once.
func TestBySamples(t *testing.T) {
	for name, make := range innerNets {
		t.Run(name, func(t *testing.T) {
			plan, _ := run[float32](t, make(), Options{Batch: 6, Shards: 2})
			for _, s := range plan.segments {
				for _, step := range s.steps {
					if step.node == nil || !step.node.kernel.Whole {
						continue
					}
					for _, in := range step.node.in {
						if in != nil && in.Batched {
							t.Errorf("%s (%s) runs on the whole batch", step.node.def.Name, step.node.def.OpType)
						}
					}
				}
			}
		})
	}
}
