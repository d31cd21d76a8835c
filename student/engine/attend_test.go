// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// attentionNet is attention of two heads of width 3 over 5 steps, as body writes it given
// queries, keys and values in the form [N, 2, 5, 3].
func attentionNet(split bool, body func(s *sequenceNet, q, k, v string) string) func() net {
	return sequence(func(s *sequenceNet, x string) (string, []int64) {
		const heads, width = 2, 3
		var parts []string
		if split {
			y := s.Op("MatMul", []string{x, s.weight("in", features, 18)})
			parts = s.OpMulti("part", "Split", []string{s.Op("Add", []string{y, s.weight("bias", 18)})}, 3, onnx.Int("axis", -1), onnx.Int("num_outputs", 3))
		} else {
			for range 3 {
				parts = append(parts, s.Op("MatMul", []string{x, s.weight("in", features, 6)}))
			}
		}
		for i := range parts {
			parts[i] = s.transpose(s.Op("Reshape", []string{parts[i], s.ints(0, steps_, heads, width)}), 0, 2, 1, 3)
		}
		y := body(s, parts[0], parts[1], parts[2])
		y = s.Op("Reshape", []string{s.transpose(y, 0, 2, 1, 3), s.ints(0, steps_, heads*width)})
		return s.Op("MatMul", []string{y, s.weight("out", heads*width, 2)}), []int64{1, 2}
	})
}

func (s *sequenceNet) number(v float32) string { return s.Float32("number", nil, []float32{v}) }

func (s *sequenceNet) softmax(x string) string {
	return s.Op("Softmax", []string{x}, onnx.Int("axis", -1))
}

// attentionNets are the forms in which exporters write attention.
var attentionNets = map[string]func() net{
	"plain": attentionNet(true, func(s *sequenceNet, q, k, v string) string {
		scores := s.Op("Mul", []string{s.Op("MatMul", []string{q, s.transpose(k, 0, 1, 3, 2)}), s.number(0.6)})
		return s.Op("MatMul", []string{s.softmax(scores), v})
	}),
	"mask": attentionNet(false, func(s *sequenceNet, q, k, v string) string {
		scores := s.Op("Div", []string{s.Op("MatMul", []string{q, s.transpose(k, 0, 1, 3, 2)}), s.number(1.7)})
		var mask []float32
		for i := range steps_ * steps_ {
			if mask = append(mask, 0); i%steps_ > i/steps_ {
				mask[i] = -1e9
			}
		}
		scores = s.Op("Add", []string{scores, s.Float32("mask", []int64{1, 1, steps_, steps_}, mask)})
		return s.Op("MatMul", []string{s.softmax(scores), v})
	}),
	"mask by sample, keys turned": attentionNet(false, func(s *sequenceNet, q, k, v string) string {
		k = s.Op("Mul", []string{s.transpose(k, 0, 1, 3, 2), s.number(0.8)})
		q = s.Op("Mul", []string{s.number(0.8), q})
		mask := s.Op("Unsqueeze", []string{s.Op("ReduceSum", []string{"x", s.ints(2)}, onnx.Int("keepdims", 0)), s.ints(1, 2)})
		return s.Op("MatMul", []string{s.softmax(s.Op("Add", []string{mask, s.Op("MatMul", []string{q, k})})), v})
	}),
	"keys computed turned": attentionNet(true, func(s *sequenceNet, q, k, v string) string {
		k = s.Op("Tanh", []string{s.transpose(k, 0, 1, 3, 2)})
		y := s.Op("MatMul", []string{s.softmax(s.Op("MatMul", []string{q, k})), v})
		return s.Op("Add", []string{y, v})
	}),
	"scores read elsewhere": attentionNet(true, func(s *sequenceNet, q, k, v string) string {
		p := s.softmax(s.Op("MatMul", []string{q, s.transpose(k, 0, 1, 3, 2)}))
		y := s.Op("MatMul", []string{p, v})
		return s.Op("Mul", []string{y, s.Op("ReduceMax", []string{p, s.ints(3)})})
	}),
}

func init() {
	for name, make := range attentionNets {
		nets["attention, "+name] = make
	}
}

// TestFusedAttention expects the loss and the gradients of the graph as it is, and that
// the products of scores fall away where nothing else reads them.
func TestFusedAttention(t *testing.T) {
	for name, make := range attentionNets {
		t.Run(name, func(t *testing.T) {
			fusing = false
			want, wantP := run[float64](t, make(), Options{Batch: 6, Shards: 2})
			fusing = true
			got, gotP := run[float64](t, make(), Options{Batch: 6, Shards: 2})
			if d := math.Abs(got.Loss() - want.Loss()); d > 1e-12 {
				t.Errorf("the loss differs by %g", d)
			}
			for i, g := range gotP.Grad {
				if d := math.Abs(g - wantP.Grad[i]); d > 1e-11 {
					t.Fatalf("gradient %d differs by %g", i, d)
				}
			}
			count := func(p *Plan[float64]) (transposes, softmaxes int) {
				for _, n := range p.nodes {
					switch {
					case !n.needed:
					case n.def.OpType == "Transpose":
						transposes++
					case n.def.OpType == "Softmax":
						softmaxes++
					}
				}
				return
			}
			if transposes, softmaxes := count(got); softmaxes > 0 && name != "scores read elsewhere" || transposes > 0 && (name == "plain" || name == "mask") {
				t.Errorf("%d Transpose and %d Softmax nodes are left", transposes, softmaxes)
			}
		})
	}
}
