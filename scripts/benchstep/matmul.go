// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// side of the matrices ONNX Runtime multiplies.
const side = 1024

// speed of k products.
type speed struct {
	GFLOPS float64 `json:"gflops"`
}

// matmul measures k products in a session that is closed again, so that its
// threads do not wait actively beside what is measured next.
func (b *bench) matmul(k int) (result *speed, err error) {
	s, in, err := openProduct(b.library, b.threads)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	bound, err := s.Bind(in)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for range k {
		if err := bound.Run(); err != nil {
			return nil, err
		}
	}
	flop := 2 * side * side * side * float64(k)
	return &speed{flop / time.Since(begin).Seconds() / 1e9}, nil
}

// openProduct opens a session of one MatMul and makes its operands.
func openProduct(library string, threads int) (*ort.Session, []ort.Value, error) {
	path, _, err := ort.Find(library)
	if err != nil {
		return nil, nil, err
	}
	if err := ort.Init(path); err != nil {
		return nil, nil, err
	}
	g := &onnx.Graph{Name: "matmul"}
	d := onnx.NewBuilder(g, "")
	v := func(name string) string { return d.Input(name, onnx.Float32, onnx.Fixed(side), onnx.Fixed(side)) }
	d.Output(d.Op("MatMul", []string{v("a"), v("b")}), onnx.Float32, onnx.Fixed(side), onnx.Fixed(side))
	model, err := (&onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}).Encode()
	if err != nil {
		return nil, nil, err
	}
	s, err := ort.Open(model, ort.Options{Threads: threads})
	if err != nil {
		return nil, nil, err
	}
	r := rand.New(rand.NewPCG(3, 4))
	var in []ort.Value
	for range 2 {
		f := make([]float32, side*side)
		for i := range f {
			f[i] = float32(r.NormFloat64())
		}
		in = append(in, ort.Value{Dims: []int64{side, side}, Type: onnx.Float32, F: f})
	}
	return s, in, nil
}
