// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// FusedMatMul: Y = alpha * op(A) * op(B) as MatMul has it, op transposing the last two axes
// with transA and transB. transBatchA and transBatchB are refused.
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedMatMul
var _ = register(Op{
	Name: "FusedMatMul", Domain: Microsoft, Since: 1,
	Bind32: bindFusedMatMul[float32], Bind64: bindFusedMatMul[float64],
	Cases: fusedMatMulCases(),
})

// fusedMatMul is a bound FusedMatMul.
type fusedMatMul[T kernel.Float] struct {
	transA, transB bool
	alpha          T
	m              count
	n, k           int
	batches        *walk
}

func bindFusedMatMul[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	left, right := n.In[0].Shape, n.In[1].Shape
	if len(left) < 2 || len(right) < 2 || n.Int("transBatchA", 0) != 0 || n.Int("transBatchB", 0) != 0 {
		return nil, fmt.Errorf("operands of shapes %v and %v: wants matrices, without transBatchA and transBatchB", left, right)
	}
	p := &fusedMatMul[T]{transA: n.Int("transA", 0) != 0, transB: n.Int("transB", 0) != 0, alpha: T(n.Float("alpha", 1))}
	rows := func(shape []int, turned bool) (int, int) {
		a, b := shape[len(shape)-2], shape[len(shape)-1]
		if turned {
			return b, a
		}
		return a, b
	}
	m, inner := rows(left, p.transA)
	k, cols := rows(right, p.transB)
	if inner != k {
		return nil, fmt.Errorf("inner dimensions of shapes %v and %v differ", left, right)
	}
	leftLead, rightLead := left[:len(left)-2], right[:len(right)-2]
	lead, err := broadcast(leftLead, rightLead)
	if err != nil {
		return nil, err
	}
	batched := n.matMulBatched(lead) && !(len(lead) == 0 && p.transA)
	p.n, p.k, p.m = cols, k, count{fixed: m}
	if len(lead) == 0 {
		p.m = n.count(m, batched)
		p.batches, err = n.newWalk(nil, nil, nil, false)
	} else {
		p.batches, err = n.newWalk(lead, leftLead, rightLead, batched)
	}
	if err != nil {
		return nil, err
	}
	out := result[T](n, append(slices.Clone(lead), m, cols), batched)
	out.ReadsIn = []int{0, 1}
	out.Forward = []Phase[T]{p.forward}
	out.Backward = []Phase[T]{p.backward}
	return out, nil
}

// apart is the distance of the rows of a matrix as it is stored.
func apart(turned bool, rows, cols int) int {
	if turned {
		return rows
	}
	return cols
}

func (p *fusedMatMul[T]) forward(f *Frame[T]) {
	m := p.m.of(f.N)
	la, lb, ly := m*p.k, p.k*p.n, m*p.n
	for r := p.batches.start(f.N); r.next(); {
		for i := range r.len {
			a, b := f.In[0][r.indexA(i)*la:][:la], f.In[1][r.indexB(i)*lb:][:lb]
			kernel.Gemm(p.transA, p.transB, m, p.n, p.k, p.alpha, a, apart(p.transA, m, p.k), b, apart(p.transB, p.k, p.n), 0, f.Out[0][(r.o+i)*ly:][:ly], p.n)
		}
	}
}

func (p *fusedMatMul[T]) backward(f *Frame[T]) {
	m, n, k := p.m.of(f.N), p.n, p.k
	la, lb, ly := m*k, k*n, m*n
	lda, ldb := apart(p.transA, m, k), apart(p.transB, k, n)
	for r := p.batches.start(f.N); r.next(); {
		for i := range r.len {
			atA, atB, dy := r.indexA(i)*la, r.indexB(i)*lb, f.DOut[0][(r.o+i)*ly:][:ly]
			a, b := f.In[0][atA:][:la], f.In[1][atB:][:lb]
			if da := f.DIn[0]; da != nil && p.transA {
				kernel.Gemm(p.transB, true, k, m, n, p.alpha, b, ldb, dy, n, 1, da[atA:][:la], lda)
			} else if da != nil {
				kernel.Gemm(false, !p.transB, m, k, n, p.alpha, dy, n, b, ldb, 1, da[atA:][:la], lda)
			}
			if db := f.DIn[1]; db != nil && p.transB {
				kernel.Gemm(true, p.transA, n, k, m, p.alpha, dy, n, a, lda, 1, db[atB:][:lb], ldb)
			} else if db != nil {
				kernel.Gemm(!p.transA, false, k, n, m, p.alpha, a, lda, dy, n, 1, db[atB:][:lb], ldb)
			}
		}
	}
}

func fusedMatMulCases() []Case {
	attrs := func(a, b int64) []onnx.Attr {
		return []onnx.Attr{onnx.Int("transA", a), onnx.Int("transB", b), onnx.Float("alpha", 0.5)}
	}
	return []Case{
		{Name: "plain", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}}},
		{Name: "scores", Attrs: attrs(0, 1), In: []Arg{{Shape: []int{5, 2, 4, 3}}, {Shape: []int{5, 2, 6, 3}, Batched: true}}},
		{Name: "left turned", Attrs: attrs(1, 0), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{5, 3, 6}, Batched: true}}},
		{Name: "both turned", Attrs: attrs(1, 1), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{6, 3}}}},
		{Name: "rows by weights", Attrs: attrs(0, 1), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{6, 3}}}},
		{Name: "samples as columns", Attrs: attrs(1, 0), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 2}, Batched: true}}},
		{Name: "two a sample", Attrs: attrs(0, 1), In: []Arg{{Shape: []int{10, 4, 3}}, {Shape: []int{10, 6, 3}, Batched: true}}},
	}
}
