// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ArgMax is the index, of type int64, of the largest element along an axis; of several
// the first, or the last with select_last_index. No gradient passes.
//
// https://onnx.ai/onnx/operators/onnx__ArgMax.html
// Opset 11 allowed a negative axis, 12 brought select_last_index, 13 only added types.
var _ = register(Op{
	Name: "ArgMax", Since: 1, Stops: true,
	Bind32: bindArgMax[float32], Bind64: bindArgMax[float64],
	Cases: argCases(),
})

func bindArgMax[T kernel.Float](n *Node) (*Kernel[T], error) {
	return bindArg(n, func(a, b T) bool { return a > b })
}

// bindArg binds an operator that gives the index of the element on an axis that is
// better than all others.
func bindArg[T kernel.Float](n *Node, better func(a, b T) bool) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	at, err := axis(n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return nil, err
	}
	if x.Shape[at] == 0 {
		return nil, fmt.Errorf("axis %d of shape %v is empty", at, x.Shape)
	}
	shape := slices.Clone(x.Shape)
	shape[at] = 1
	if n.Int("keepdims", 1) == 0 {
		shape = slices.Delete(shape, at, at+1)
	}
	batched, last := x.Batched && at > 0, n.Int("select_last_index", 0) != 0
	l := n.newLines(x.Shape, at, batched)
	k := result[T](n, shape, batched)
	k.Out[0].Type = onnx.Int64
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range l.of(f.N) {
			line, best := f.In[0][l.start(i):], 0
			for j := range l.size {
				a, b := line[j*l.inner], line[best*l.inner]
				if better(a, b) || last && a == b {
					best = j
				}
			}
			f.Out[0][i] = T(best)
		}
	}}
	return k, nil
}

// argCases are the cases of ArgMax and ArgMin.
func argCases() []Case {
	images := []int{5, 3, 4, 2}
	keep := func(keep int64) onnx.Attr { return onnx.Int("keepdims", keep) }
	ties := []Arg{{Shape: []int{2, 4}, Shared: true, Floats: []float64{1, 2, 1, 2, 0, 0, 0, 0}}}
	return forwardOnly([]Case{
		{Name: "classes", Attrs: along(1), In: []Arg{{Shape: []int{5, 10}}}},
		{Name: "classes dropped", Attrs: append(along(-1), keep(0)), In: []Arg{{Shape: []int{5, 10}}}},
		{Name: "channels", Attrs: append(along(1), keep(0)), In: []Arg{{Shape: images}}},
		{Name: "oldest opset", Opset: 7, Attrs: along(2), In: []Arg{{Shape: images}}},
		{Name: "over the batch", In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "over the batch, dropped", Attrs: []onnx.Attr{keep(0)}, In: []Arg{{Shape: []int{5, 3}}}},
		{Name: "two images a sample", Attrs: along(1), In: []Arg{{Shape: []int{10, 3}}}},
		{Name: "first of ties", Attrs: along(1), In: ties},
		{Name: "last of ties", Attrs: append(along(1), onnx.Int("select_last_index", 1)), In: ties},
		{Name: "weights", Attrs: along(1), In: []Arg{{Shape: []int{3, 4}, Shared: true}}},
	})
}
