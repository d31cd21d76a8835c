// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// TestRuntime compares every case's outputs with ONNX Runtime's for a model of the
// one node.
func TestRuntime(t *testing.T) {
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		if c.NoRuntime != "" {
			t.Skip(c.NoRuntime)
		}
		r := newRig[float32](t, o, c, oneSlice)
		r.forward()
		model, feed := oneNode(t, r)
		s, err := ort.Open(model, ort.Options{NoOptimise: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		out, err := s.Run(context.Background(), feed)
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range outputs(r) {
			var dims []int
			for _, d := range out[i].Dims {
				dims = append(dims, int(d))
			}
			if !slices.Equal(dims, r.k.Out[i].Shape) {
				t.Fatalf("output %d has shape %v, the runtime's %v", i, r.k.Out[i].Shape, dims)
			}
			want, err := out[i].Float32s()
			if err != nil {
				t.Fatal(err)
			}
			for j := range y {
				if y[j] == float64(want[j]) { // infinities too
					continue
				}
				if d := math.Abs(y[j] - float64(want[j])); !(d <= 1e-5+1e-3*math.Abs(float64(want[j]))) {
					t.Fatalf("output %d, element %d is %v, the runtime's %v", i, j, y[j], want[j])
				}
			}
		}
	})
}

// oneNode is a model of the rig's node and what to feed it.
func oneNode(t *testing.T, r *rig[float32]) ([]byte, []ort.Value) {
	g := &onnx.Graph{Name: "case", Nodes: []*onnx.Node{r.node.Node}}
	var feed []ort.Value
	for i := range r.node.In {
		x := &r.node.In[i]
		if !x.Present() {
			continue
		}
		if x.Const != nil {
			c := x.Const.Clone()
			c.Name = r.node.Inputs[i]
			g.Initializers = append(g.Initializers, c)
			continue
		}
		dims := make([]int64, len(x.Shape))
		fixed := make([]onnx.Dim, len(x.Shape))
		for j, d := range x.Shape {
			dims[j], fixed[j] = int64(d), onnx.Fixed(int64(d))
		}
		values := make([]float32, x.Len())
		for j, v := range r.values[i] {
			values[j] = float32(v)
		}
		g.Inputs = append(g.Inputs, onnx.NewValue(r.node.Inputs[i], x.Type, fixed...))
		v, err := ort.FromFloat32(x.Type, dims, values)
		if err != nil {
			t.Fatal(err)
		}
		feed = append(feed, v)
	}
	for i, name := range r.node.Outputs {
		g.Outputs = append(g.Outputs, &onnx.Value{Name: name, Kind: "tensor", Type: r.k.Out[i].Type})
	}
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.Opset{{Version: int64(r.node.Opset)}}, Graph: g}
	if r.node.Domain == Microsoft {
		m.Opsets = append(m.Opsets, onnx.Opset{Domain: Microsoft, Version: 1})
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b, feed
}
