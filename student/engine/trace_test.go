// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// trace is what PyTorch recorded of ten steps of SGD on one net, in float64.
// scripts/trace_vectors.py makes the files and states the formula from which
// weights and batches come.
type trace struct {
	Batch, Classes int
	Shape          []int // of a sample
	Temperature    float64
	Rate, Momentum float64
	Losses         []float64
	Params         []traced
}

// traced is a weight, or a running statistic (State).
type traced struct {
	Name        string
	Shape       []int64
	State       bool
	Seed        uint32
	Base, Scale float64
	// First and Last are the gradients of the first and the last step, of a State
	// its values after them. End is the weight after the last step.
	First, Last, End doubles
}

// doubles is a list of float64, little-endian in base64.
type doubles []float64

func (d *doubles) UnmarshalJSON(text []byte) error {
	var raw []byte
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*d = make(doubles, len(raw)/8)
	for i := range *d {
		(*d)[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return nil
}

// stream is element i of stream s: a multiple of 2^-15 in [-1, 1).
func stream(s, i uint32) float64 {
	h := (i+1)*2654435761 + s*2246822519
	h = (h ^ h>>15) * 2246822519
	h ^= h >> 13
	return float64(h>>16)/(1<<15) - 1
}

// fill writes stream s, scaled, into v.
func fill[T float32 | float64](v []T, s uint32, scale float64) {
	for i := range v {
		v[i] = T(scale * stream(s, uint32(i)))
	}
}

func readTrace(t *testing.T, net string) *trace {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "trace", net+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &trace{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatalf("%s: %v", net, err)
	}
	return r
}

// traceNet is a graph under construction whose weights are those of a trace.
type traceNet struct {
	*onnx.Builder
	t     *testing.T
	trace *trace
}

// weight adds the parameter of this name, with its value before the first step.
func (n *traceNet) weight(name string) string {
	for _, p := range n.trace.Params {
		if p.Name != name {
			continue
		}
		v := make([]float32, len(p.First))
		for i := range v {
			v[i] = float32(p.Base + p.Scale*stream(p.Seed, uint32(i)))
		}
		return n.Float32(name, p.Shape, v)
	}
	n.t.Fatalf("the trace has no parameter %q", name)
	return ""
}

// divergence adds the distillation loss of scripts/trace_vectors.py: a value a
// sample.
func (n *traceNet) divergence(scores, target string) string {
	by := func(x string, f float64) string {
		return n.Op("Mul", []string{x, n.Float32("factor", nil, []float32{float32(f)})})
	}
	T, axis := n.trace.Temperature, onnx.Int("axis", 1)
	scores, target = by(scores, 1/T), by(target, 1/T)
	gap := n.Op("Sub", []string{n.Op("LogSoftmax", []string{target}, axis), n.Op("LogSoftmax", []string{scores}, axis)})
	terms := n.Op("Mul", []string{n.Op("Softmax", []string{target}, axis), gap})
	sum := n.Op("ReduceSum", []string{terms, n.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
	return by(sum, T*T)
}

// TestTrainingTrace follows PyTorch for ten steps: every loss, the gradients of
// the first and the last step, the weights at the end, and the running statistics. In
// bfloat16 weights go another way as soon as a Relu flips; losses stay close.
func TestTrainingTrace(t *testing.T) {
	for name, build := range traceNets {
		for _, shards := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/float64/%d shards", name, shards), func(t *testing.T) { follow[float64](t, name, build, shards, false, 1e-6) })
			t.Run(fmt.Sprintf("%s/float32/%d shards", name, shards), func(t *testing.T) { follow[float32](t, name, build, shards, false, 1e-4) })
			t.Run(fmt.Sprintf("%s/bf16/%d shards", name, shards), func(t *testing.T) { follow[float32](t, name, build, shards, true, 0.1) })
		}
	}
}

func follow[T float32 | float64](t *testing.T, name string, build func(n *traceNet, x string) string, shards int, bf16 bool, within float64) {
	r := readTrace(t, name)
	g := &onnx.Graph{Name: name}
	n := &traceNet{onnx.NewBuilder(g, ""), t, r}
	dims := []onnx.Dim{onnx.Symbolic("N")}
	for _, d := range r.Shape {
		dims = append(dims, onnx.Fixed(int64(d)))
	}
	x := n.Input("x", onnx.Float32, dims...)
	target := n.Input("target", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(int64(r.Classes)))
	loss := n.divergence(build(n, x), target)
	params, err := engine.NewParams[T](g, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(params.List) != len(r.Params) {
		t.Fatalf("the graph has %d weights and states, the trace %d", len(params.List), len(r.Params))
	}
	plan, err := engine.Compile(g, params, engine.Options{Batch: r.Batch, Shards: shards, Opset: 20, Training: true, Losses: []string{loss}, BF16: bf16})
	if err != nil {
		t.Fatal(err)
	}
	velocity := make([]T, len(params.Grad))
	for step, want := range r.Losses {
		fill(plan.Input(x), 1000+uint32(step), 2)
		fill(plan.Input(target), 2000+uint32(step), 4)
		if err := plan.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := plan.Loss(); !(math.Abs(got-want) <= within*want) {
			t.Errorf("step %d: loss %.12g, PyTorch has %.12g", step+1, got, want)
		}
		for _, p := range r.Params {
			switch {
			case step == 0:
				compare(t, "step 1", p, grads(params, p), p.First, within)
			case step == len(r.Losses)-1 && !bf16:
				compare(t, "last step", p, grads(params, p), p.Last, within)
			}
		}
		for i, g := range params.Grad {
			velocity[i] = T(r.Momentum)*velocity[i] + g
			params.W[i] -= T(r.Rate) * velocity[i]
		}
	}
	for _, p := range r.Params {
		if !p.State && !bf16 {
			compare(t, "weights at the end", p, params.Values(p.Name), p.End, within)
		}
	}
}

// grads is the gradient of a weight, or the value of a state.
func grads[T float32 | float64](params *engine.Params[T], p traced) []T {
	for _, q := range params.List {
		if q.Name == p.Name && !q.State {
			return params.Grad[q.Off : q.Off+q.Len]
		}
	}
	return params.Values(p.Name)
}

// compare holds every element to within times the tensor's largest.
func compare[T float32 | float64](t *testing.T, when string, p traced, got []T, want []float64, within float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%s, %s: %d elements, PyTorch has %d", when, p.Name, len(got), len(want))
	}
	var scale, worst float64
	at := 0
	for i, w := range want {
		scale = max(scale, math.Abs(w))
		if d := math.Abs(float64(got[i]) - w); !(d <= worst) {
			worst, at = d, i
		}
	}
	if scale == 0 || !(worst <= within*scale) {
		t.Errorf("%s, %s: element %d is %.12g, PyTorch has %.12g: %.2g of the largest, %g", when, p.Name, at, got[at], want[at], worst/scale, scale)
	}
}
