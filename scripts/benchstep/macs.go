// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/kdcompress/kdcompress/onnx"

// macs counts the multiply-adds of the products of a forward pass over the whole
// batch: convolutions, matrix products, recurrent layers. Everything else is left
// out. A training step is taken for three times as many.
func macs(g *onnx.Graph, shape func(string) []int) float64 {
	size := func(dims []int) float64 {
		n := 1.0
		for _, d := range dims {
			n *= float64(d)
		}
		return n
	}
	var sum float64
	for _, n := range g.Nodes {
		switch n.OpType {
		case "Conv":
			sum += size(shape(n.Outputs[0])) * size(shape(n.Inputs[1])[1:])
		case "MatMul", "Gemm":
			a := shape(n.Inputs[0])
			sum += size(shape(n.Outputs[0])) * float64(a[len(a)-1])
		case "LSTM", "GRU":
			x := shape(n.Inputs[0]) // steps, samples, features
			sum += (size(shape(n.Inputs[1])) + size(shape(n.Inputs[2]))) * float64(x[0]*x[1])
		}
	}
	return sum
}
