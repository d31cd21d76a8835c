// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Dropout sets elements to zero with probability ratio in training
// (Node.Training) and divides the others by 1-ratio; elsewhere it is the identity.
// The training_mode of an exported file is not read.
//
// What is dropped is a hash of the node's seed, the run, the sample's index in the
// batch and the element's in the sample: it does not depend on how the batch is
// cut, and Backward finds it again without memory.
//
// https://onnx.ai/onnx/operators/onnx__Dropout.html and
// https://jmlr.org/papers/v15/srivastava14a.html
// Opset 7 dropped is_test, 12 made ratio an input, which has to be a constant here,
// and added training_mode; others only added types.
var _ = register(Op{
	Name: "Dropout", Since: 7, Fixed: []int{1, 2},
	Bind32: bindDropout[float32], Bind64: bindDropout[float64],
	Cases: []Case{
		{Name: "outside training", In: []Arg{{Shape: []int{5, 7}}}},
		{Name: "outside training, with mask", In: []Arg{{Shape: []int{5, 7}}}, Outputs: 2, ForwardOnly: true},
		{Name: "outside training, oldest opset", Opset: 7, Attrs: []onnx.Attr{onnx.Float("ratio", 0.3)}, In: []Arg{{Shape: []int{5, 7}}}},
		{Name: "training", Training: true, In: []Arg{{Shape: []int{5, 4, 9}}}, NoRuntime: "the draws are ours"},
		{Name: "training, ratio", Training: true, In: []Arg{{Shape: []int{5, 31}}, bound(0.25)}, NoRuntime: "the draws are ours"},
		{Name: "training, ratio 0", Training: true, In: []Arg{{Shape: []int{5, 31}}, bound(0)}, NoRuntime: "the draws are ours"},
		{Name: "training, opset 10", Training: true, Opset: 10, Attrs: []onnx.Attr{onnx.Float("ratio", 0.8)}, In: []Arg{{Shape: []int{5, 31}}}, NoRuntime: "the draws are ours"},
		{Name: "training, with mask", Training: true, In: []Arg{{Shape: []int{5, 9}}}, Outputs: 2, ForwardOnly: true, NoRuntime: "the draws are ours"},
		{Name: "training, weights", Training: true, In: []Arg{{Shape: []int{4, 9}, Shared: true}}, NoRuntime: "the draws are ours"},
	},
})

func bindDropout[T kernel.Float](n *Node) (*Kernel[T], error) {
	most, ratio := 3, 0.5
	if n.Opset < 12 {
		most, ratio = 1, float64(n.Float("ratio", 0.5))
	}
	if err := n.arity(1, most, 2); err != nil {
		return nil, err
	}
	if n.Opset >= 12 {
		var err error
		if ratio, err = n.scalar(1, "ratio", ratio); err != nil {
			return nil, err
		}
	}
	if !(ratio >= 0 && ratio < 1) {
		return nil, fmt.Errorf("ratio is %v, wants at least 0 and below 1", ratio)
	}
	if !n.Training {
		ratio = 0
	}
	x := &n.In[0]
	d := &dropout[T]{seed: n.Seed, keep: T(1 / (1 - ratio)), below: uint64(ratio * (1 << 32)), batched: x.Batched, size: x.Len()}
	if x.Batched {
		d.size = x.Len() / n.Batch
	}
	k := result[T](n, x.Shape, x.Batched)
	k.Forward = []Phase[T]{d.forward}
	k.Backward = []Phase[T]{d.backward}
	if len(n.Outputs) > 1 {
		k.Out = append(k.Out, Operand{Shape: x.Shape, Type: onnx.Bool, Batched: x.Batched})
	}
	return k, nil
}

// dropout is a bound Dropout. A draw below the ratio's share of 32 bits drops.
type dropout[T kernel.Float] struct {
	seed    uint64
	keep    T
	below   uint64
	size    int // elements a sample, or in all where not batched
	batched bool
}

func (d *dropout[T]) forward(f *Frame[T]) {
	x, y := f.In[0], f.Out[0]
	copy(y, x)
	var mask []T
	if len(f.Out) > 1 {
		mask = f.Out[1]
		kernel.Fill(mask, 1)
	}
	if d.below == 0 {
		return
	}
	for s := range d.samples(f) {
		draw := d.sample(f, s)
		for i := s * d.size; i < (s+1)*d.size; i++ {
			if draw.next() < d.below {
				y[i] = 0
				if mask != nil {
					mask[i] = 0
				}
			} else {
				y[i] *= d.keep
			}
		}
	}
}

func (d *dropout[T]) backward(f *Frame[T]) {
	dx, dy := f.DIn[0], f.DOut[0]
	if dx == nil {
		return
	}
	if d.below == 0 {
		kernel.Add(dx, dy)
		return
	}
	for s := range d.samples(f) {
		draw := d.sample(f, s)
		for i := s * d.size; i < (s+1)*d.size; i++ {
			if draw.next() >= d.below {
				dx[i] += d.keep * dy[i]
			}
		}
	}
}

// samples is how many independent streams of draws a slice needs.
func (d *dropout[T]) samples(f *Frame[T]) int {
	if d.batched {
		return f.N
	}
	return 1
}

// sample begins the draws for sample s of the slice.
func (d *dropout[T]) sample(f *Frame[T], s int) draws {
	at := 0
	if d.batched {
		at = f.At + s
	}
	return draws(mix(mix(d.seed^mix(f.Run)) + uint64(at)*weyl))
}

// draws is a sequence of random numbers: mixed values of a counter.
type draws uint64

// next is a number of 32 random bits.
func (d *draws) next() uint64 {
	*d += weyl
	return mix(uint64(*d)) >> 32
}

// weyl is the odd number nearest to 2^64 over the golden ratio.
const weyl = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64, https://doi.org/10.1145/2714064.2660195.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
