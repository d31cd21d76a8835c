// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"slices"
	"testing"

	onnxgo "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	"gorgonia.org/tensor"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// TestCrossCheck runs exported students in onnx-go, which reads the format and
// computes the operators with code that shares nothing with ours, and compares
// with ONNX Runtime. onnx-go wants every dimension fixed; it has no LogSoftmax,
// no grouped convolution and no Cast.
func TestCrossCheck(t *testing.T) {
	grey, colour := toy{inputs: [][]int{{1, 28, 28}}, logits: []int{10}, ending: "Softmax"}, toy{inputs: [][]int{{3, 16, 16}}}
	for _, c := range []struct {
		name, spec string
		toy        toy
		batch      int
	}{
		{"mlp", "mlp:width=32", grey, 1},
		{"mlp of rows", "mlp:width=16,depth=1", toy{inputs: [][]int{{42}}, ending: "Softmax"}, 1},
		{"mlp, four samples", "mlp:width=16", toy{inputs: [][]int{{42}}}, 4},
		{"linear", "mlp:depth=0", toy{inputs: [][]int{{42}}}, 1},
		{"two inputs", "mlp:width=16", toy{inputs: [][]int{{3, 4}, {5}}}, 1},
		{"convnet", "convnet:width=8", grey, 1},
		{"convnet, four samples", "convnet:width=8", grey, 4},
		{"convnet of colours", "convnet:width=4,depth=2,convs=2", colour, 1},
		{"convnet without normalisation", "convnet:width=4,norm=none", colour, 1},
		{"convnet, coarse", "convnet:width=4,stem=2", colour, 1},
		{"convnet, channels last", "convnet:width=4,depth=2", toy{inputs: [][]int{{16, 16, 3}}}, 1},
		{"convnet without channels", "convnet:width=4,depth=2", toy{inputs: [][]int{{9, 13}}}, 1},
		{"logits of rank 3", "mlp:width=4", toy{inputs: [][]int{{6}}, logits: []int{1, 5}}, 1},
		{"convnet, mean head", "convnet:width=4,depth=2,head=mean", colour, 1},
		{"convnet of opset 9", "convnet:width=4,depth=2", toy{inputs: [][]int{{1, 8, 8}}, opset: 9, ending: "Softmax"}, 1},
		{"convnet of opset 17", "convnet:width=4,depth=2", toy{inputs: [][]int{{1, 8, 8}}, opset: 17, ending: "Softmax"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			library(t)
			sig := c.toy.signature(t)
			s := build(t, sig, spec(t, c.spec), 1)
			train(t, c.toy, sig, s, 3, 8, 0.02)
			m, err := rewrite.SetBatch(export(t, s), c.batch)
			if err != nil {
				t.Fatal(err)
			}
			in := c.toy.batchOf(c.batch, 4)
			near(t, "onnx-go against ONNX Runtime", inOnnxGo(t, m, in), inRuntime(t, m, sig.Inputs, c.batch, in), 1e-4)
		})
	}
}

// inOnnxGo runs a model of fixed dimensions and one output.
func inOnnxGo(t *testing.T, m *onnx.Model, in [][]float32) []float32 {
	t.Helper()
	g := gorgonnx.NewGraph()
	read := onnxgo.NewModel(g)
	if err := read.UnmarshalBinary([]byte(encode(t, m))); err != nil {
		t.Fatal(err)
	}
	for i, v := range m.Graph.DataInputs() {
		var shape []int
		for _, d := range v.Dims {
			shape = append(shape, int(d.Size))
		}
		if err := read.SetInput(i, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(slices.Clone(in[i])))); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	out, err := read.GetOutputTensors()
	if err != nil {
		t.Fatal(err)
	}
	values, ok := out[0].Data().([]float32)
	if len(out) != 1 || !ok {
		t.Fatalf("%d outputs, the first of %T", len(out), out[0].Data())
	}
	return values
}
