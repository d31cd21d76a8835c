// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ToLast of ChannelsLast brings the channels of images X[N, C, H, W] to the end:
// Y[N, H, W, C]. Sequences X[N, C, L] become images Y[N, 1, L, C].
var _ = register(Op{
	Name: "ToLast", Domain: ChannelsLast, Since: 1,
	Bind32: bindToLast[float32], Bind64: bindToLast[float64],
	Cases: []Case{
		{Name: "images", In: []Arg{{Shape: []int{5, 3, 4, 7}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "many channels", In: []Arg{{Shape: []int{5, 19, 3, 11}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "sequences", In: []Arg{{Shape: []int{5, 9, 13}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "one pixel", In: []Arg{{Shape: []int{5, 9, 1, 1}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "two images a sample", In: []Arg{{Shape: []int{10, 2, 3, 3}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "weights", In: []Arg{{Shape: []int{2, 3, 4, 5}, Shared: true}}, NoRuntime: "the runtime has no such operator"},
	},
})

func bindToLast[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := n.In[0].Shape
	if len(x) != 3 && len(x) != 4 {
		return nil, fmt.Errorf("input of shape %v; images have four dimensions, sequences three", x)
	}
	height, width := 1, x[len(x)-1]
	if len(x) == 4 {
		height = x[2]
	}
	return turned[T](n, []int{x[0], height, width, x[1]}, x[1], height*width), nil
}

// turned is a kernel that transposes every image, rows by cols.
func turned[T kernel.Float](n *Node, shape []int, rows, cols int) *Kernel[T] {
	images, size := n.count(shape[0], n.In[0].Batched), rows*cols
	k := result[T](n, shape, n.In[0].Batched)
	k.Sets = []int{0}
	k.Scratch = size
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range images.of(f.N) {
			kernel.Turn(f.Out[0][i*size:], f.In[0][i*size:], rows, cols)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for i := range images.of(f.N) {
			dx := f.DIn[0][i*size : (i+1)*size]
			if f.Fresh[0] {
				kernel.Turn(dx, f.DOut[0][i*size:], cols, rows)
				continue
			}
			kernel.Turn(f.Scratch, f.DOut[0][i*size:], cols, rows)
			kernel.Add(dx, f.Scratch)
		}
	}}
	return k
}
