// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// MatMul: Y = A * B as numpy.matmul has it: products of the last two dimensions,
// the others broadcast; a vector is a row on the left and a column on the right.
//
//	dA = dY * Bᵀ    dB = Aᵀ * dY, summed where a matrix was broadcast
//
// https://onnx.ai/onnx/operators/onnx__MatMul.html
// Since opset 1; 9 and 13 only added types.
var _ = register(Op{
	Name: "MatMul", Since: 1,
	Bind32: bindMatMul[float32], Bind64: bindMatMul[float64],
	Cases: []Case{
		{Name: "rows by weights", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}}},
		{Name: "oldest opset", Opset: 7, In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}}},
		{Name: "tokens by weights", In: []Arg{{Shape: []int{5, 4, 7}}, {Shape: []int{7, 3}}}},
		{Name: "tokens by one matrix", In: []Arg{{Shape: []int{5, 4, 7}}, {Shape: []int{1, 7, 3}}}},
		{Name: "heads", In: []Arg{{Shape: []int{5, 2, 4, 7}}, {Shape: []int{5, 2, 7, 3}, Batched: true}}},
		{Name: "heads by heads of weights", In: []Arg{{Shape: []int{5, 2, 4, 7}}, {Shape: []int{2, 7, 3}}}},
		{Name: "broadcast left", In: []Arg{{Shape: []int{4, 7}, Shared: true}, {Shape: []int{5, 7, 3}, Batched: true}}},
		{Name: "both broadcast", In: []Arg{{Shape: []int{5, 1, 4, 7}}, {Shape: []int{2, 7, 3}}}},
		{Name: "shared of higher rank", In: []Arg{{Shape: []int{5, 4, 7}}, {Shape: []int{2, 1, 7, 3}}}},
		{Name: "two matrices a sample", In: []Arg{{Shape: []int{10, 4, 7}}, {Shape: []int{7, 3}}}},
		{Name: "vector on the right", In: []Arg{{Shape: []int{5, 4, 7}}, {Shape: []int{7}}}},
		{Name: "vector on the left", In: []Arg{{Shape: []int{7}, Shared: true}, {Shape: []int{5, 7, 3}, Batched: true}}},
		{Name: "samples summed", In: []Arg{{Shape: []int{5}}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "samples as columns", In: []Arg{{Shape: []int{4, 5}, Shared: true}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "dot product", In: []Arg{{Shape: []int{7}, Shared: true}, {Shape: []int{7}}}},
		{Name: "rank 2 by rank 3 of weights", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{2, 7, 3}}}},
	},
})

// matMul is a bound MatMul: products of m by k and k by n matrices at the
// positions of a walk over their numbers.
type matMul[T kernel.Float] struct {
	m       count
	n, k    int
	batches *walk
	product kernel.Product[T]
}

func bindMatMul[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	a, b := n.In[0], n.In[1]
	if len(a.Shape) == 0 || len(b.Shape) == 0 {
		return nil, fmt.Errorf("operands have shapes %v and %v, wants no scalar", a.Shape, b.Shape)
	}
	left, right := a.Shape, b.Shape
	if len(left) == 1 {
		left = []int{1, left[0]}
	}
	if len(right) == 1 {
		right = []int{right[0], 1}
	}
	ra, rb := len(left)-2, len(right)-2
	m, inner, cols := left[ra], left[ra+1], right[rb+1]
	if inner != right[rb] {
		return nil, fmt.Errorf("inner dimensions of shapes %v and %v differ", a.Shape, b.Shape)
	}
	lead, err := broadcast(left[:ra], right[:rb])
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(lead)
	if len(a.Shape) > 1 {
		shape = append(shape, m)
	}
	if len(b.Shape) > 1 {
		shape = append(shape, cols)
	}
	batched := n.matMulBatched(lead)
	mm := &matMul[T]{n: cols, k: inner, product: kernel.ProductOf[T](n.BF16)}
	leftLead, rightLead := left[:ra], right[:rb]
	if Len(rightLead) == 1 && Len(leftLead) == Len(lead) {
		// One matrix on the right: the left ones are one tall matrix.
		mm.m = n.count(Len(lead)*m, batched)
		lead, leftLead, rightLead = nil, nil, nil
		mm.batches, err = n.newWalk(nil, nil, nil, false)
	} else {
		mm.m = count{fixed: m}
		mm.batches, err = n.newWalk(lead, leftLead, rightLead, batched)
	}
	if err != nil {
		return nil, err
	}
	k := result[T](n, shape, batched)
	k.ReadsIn = []int{0, 1}
	// The gradient of a matrix that takes part in several products is a sum.
	for i, own := range [][]int{leftLead, rightLead} {
		if Len(own) == Len(lead) {
			k.Sets = append(k.Sets, i)
		}
	}
	k.Forward = []Phase[T]{mm.forward}
	k.Backward = []Phase[T]{mm.backward}
	return k, nil
}

// matMulBatched says whether the product can be taken sample by sample: the
// batch's axis is the first of the broadcast ones for both operands, or it counts
// the rows of a matrix on the left of a shared one.
func (n *Node) matMulBatched(lead []int) bool {
	a, b := &n.In[0], &n.In[1]
	if len(lead) == 0 {
		return a.Batched && len(a.Shape) == 2 && !b.Batched
	}
	rank := len(lead) + 2
	along := func(o *Operand) bool {
		if o.Batched {
			return len(o.Shape) == rank && o.Shape[0] == lead[0]
		}
		return len(o.Shape) < rank || o.Shape[0] == 1
	}
	return n.anyBatched() && along(a) && along(b)
}

func (mm *matMul[T]) forward(f *Frame[T]) {
	m := mm.m.of(f.N)
	la, lb, ly := m*mm.k, mm.k*mm.n, m*mm.n
	for r := mm.batches.start(f.N); r.next(); {
		for i := range r.len {
			a, b := f.In[0][r.indexA(i)*la:][:la], f.In[1][r.indexB(i)*lb:][:lb]
			mm.product(false, false, m, mm.n, mm.k, 1, a, mm.k, b, mm.n, 0, f.Out[0][(r.o+i)*ly:][:ly], mm.n)
		}
	}
}

func (mm *matMul[T]) backward(f *Frame[T]) {
	m := mm.m.of(f.N)
	la, lb, ly := m*mm.k, mm.k*mm.n, m*mm.n
	oldA, oldB := f.kept(0), f.kept(1)
	for r := mm.batches.start(f.N); r.next(); {
		for i := range r.len {
			atA, atB, dy := r.indexA(i)*la, r.indexB(i)*lb, f.DOut[0][(r.o+i)*ly:][:ly]
			if f.DIn[0] != nil {
				mm.product(false, true, m, mm.k, mm.n, 1, dy, mm.n, f.In[1][atB:][:lb], mm.n, oldA, f.DIn[0][atA:][:la], mm.k)
			}
			if f.DIn[1] != nil {
				mm.product(true, false, mm.k, mm.n, m, 1, f.In[0][atA:][:la], mm.k, dy, mm.n, oldB, f.DIn[1][atB:][:lb], mm.n)
			}
		}
	}
}
