// SPDX-License-Identifier: Apache-2.0

package op

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Where: the output is X where the condition holds, else Y; all three operands
// broadcast. X and Y take the gradient of what they gave.
//
// https://onnx.ai/onnx/operators/onnx__Where.html
// Since opset 9; 16 only added types.
var _ = register(Op{
	Name: "Where", Since: 9,
	Bind32: bindWhere[float32], Bind64: bindWhere[float64],
	Cases: []Case{
		{Name: "all batched", In: []Arg{mask(5, 3, 4), {Shape: []int{5, 3, 4}, Batched: true}, {Shape: []int{5, 3, 4}, Batched: true}}},
		{Name: "oldest opset", Opset: 9, In: []Arg{mask(5, 7), {Shape: []int{5, 7}, Batched: true}, {Shape: []int{7}}}},
		{Name: "numbers", In: []Arg{mask(5, 7), bound(1), bound(-2)}, ForwardOnly: true},
		{Name: "number instead", In: []Arg{mask(5, 2, 6), {Shape: []int{5, 2, 6}, Batched: true}, bound(-1e4)}},
		{Name: "mask of keys", In: []Arg{mask(5, 1, 1, 4), {Shape: []int{5, 2, 3, 4}, Batched: true}, {Shape: []int{}}}},
		{Name: "mask of pairs", In: []Arg{{Shape: []int{3, 4}, Hi: 2, Type: onnx.Bool, Shared: true}, {Shape: []int{5, 2, 3, 4}, Batched: true}, {Shape: []int{1, 1, 1, 4}}}},
		{Name: "all broadcast", In: []Arg{mask(5, 1, 4), {Shape: []int{5, 3, 1}, Batched: true}, {Shape: []int{3, 4}}}},
		{Name: "shared mask and values", In: []Arg{{Shape: []int{3, 1}, Hi: 2, Type: onnx.Bool, Shared: true}, {Shape: []int{3, 4}}, {Shape: []int{5, 3, 4}, Batched: true}}},
		{Name: "two images a sample", In: []Arg{mask(10, 4), {Shape: []int{10, 1}, Batched: true}, {Shape: []int{4}}}},
		{Name: "across samples", In: []Arg{mask(5, 3), {Shape: []int{5, 1}}, {Shape: []int{5, 3}}}},
		{Name: "integers", In: []Arg{mask(5, 3), {Shape: []int{3}, Ints: []int64{1, 2, 3}}, {Shape: []int{}, Ints: []int64{7}}}, ForwardOnly: true},
		{Name: "weights", In: []Arg{{Shape: []int{3, 1}, Hi: 2, Type: onnx.Bool, Shared: true}, {Shape: []int{3, 4}}, {Shape: []int{4}}}},
	},
})

func bindWhere[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	shape, err := broadcast(n.In[1].Shape, n.In[2].Shape)
	if err != nil {
		return nil, err
	}
	if shape, err = broadcast(n.In[0].Shape, shape); err != nil {
		return nil, err
	}
	batched := n.anyBatched()
	for i := range n.In {
		batched = batched && n.In[i].aligned(shape)
	}
	var walks [2]*walk // over the output, beside the condition and an operand
	for i := range walks {
		if walks[i], err = n.newWalk(shape, n.In[0].Shape, n.In[i+1].Shape, batched); err != nil {
			return nil, err
		}
	}
	k := result[T](n, shape, batched)
	k.Out[0].Type = n.In[1].Type
	k.ReadsIn = []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for r := walks[0].start(f.N); r.next(); {
			y, x := f.Out[0][r.o:r.o+r.len], f.In[1][r.b:r.b+r.lenB]
			if len(x) == len(y) {
				copy(y, x)
			} else {
				kernel.Fill(y, x[0])
			}
		}
		for r := walks[1].start(f.N); r.next(); {
			y, c, x := f.Out[0][r.o:r.o+r.len], f.In[0][r.a:r.a+r.lenA], f.In[2][r.b:r.b+r.lenB]
			if len(c) == 1 && c[0] != 0 {
				continue
			}
			stepC, stepX := stride(c, y), stride(x, y)
			for i := range y {
				if c[i*stepC] == 0 {
					y[i] = x[i*stepX]
				}
			}
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		for i, w := range walks {
			if f.DIn[i+1] == nil {
				continue
			}
			for r := w.start(f.N); r.next(); {
				dy, c, dx := f.DOut[0][r.o:r.o+r.len], f.In[0][r.a:r.a+r.lenA], f.DIn[i+1][r.b:r.b+r.lenB]
				if len(c) == 1 {
					if (c[0] == 0) == (i == 1) {
						addTo(dx, dy, 1)
					}
					continue
				}
				step := stride(dx, dy)
				for j, d := range dy {
					if (c[j] == 0) == (i == 1) {
						dx[j*step] += d
					}
				}
			}
		}
	}}
	return k, nil
}

// mask is a batched argument of ones and zeros.
func mask(shape ...int) Arg { return Arg{Shape: shape, Hi: 2, Type: onnx.Bool, Batched: true} }
