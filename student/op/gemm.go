// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Gemm: Y = alpha * A' * B' + beta * C, where A' is A, or its transpose with
// transA, B' likewise, and C broadcasts to Y.
//
//	dA' = alpha * dY * B'ᵀ    dB' = alpha * A'ᵀ * dY    dC = beta * dY, summed where C was broadcast
//
// https://onnx.ai/onnx/operators/onnx__Gemm.html
// Opset 7 brought one-way broadcasting of C; 11 made C optional; 9 and 13 only
// added types.
var _ = register(Op{
	Name: "Gemm", Since: 7,
	Bind32: bindGemm[float32], Bind64: bindGemm[float64],
	Cases: []Case{
		{Name: "plain", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}, {Shape: []int{3}}}},
		{Name: "linear layer", Attrs: []onnx.Attr{onnx.Int("transB", 1)}, In: []Arg{{Shape: []int{5, 17}}, {Shape: []int{9, 17}}, {Shape: []int{9}}}},
		{Name: "opset 7", Opset: 7, Attrs: []onnx.Attr{onnx.Int("transB", 1)}, In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{3, 4}}, {Shape: []int{1, 3}}}},
		{Name: "no bias", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}}},
		{Name: "scaled", Attrs: []onnx.Attr{onnx.Float("alpha", 0.5), onnx.Float("beta", 2)}, In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}, {Shape: []int{}}}},
		{Name: "batched bias", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "bias a sample", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}, {Shape: []int{5, 1}, Batched: true}}},
		{Name: "bias of the batch", In: []Arg{{Shape: []int{5, 7}}, {Shape: []int{7, 3}}, {Shape: []int{5, 1}}}},
		{Name: "two rows a sample", In: []Arg{{Shape: []int{10, 7}}, {Shape: []int{7, 3}}, {Shape: []int{3}}}},
		{Name: "samples summed", Attrs: []onnx.Attr{onnx.Int("transA", 1)}, In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "gram matrix", Attrs: []onnx.Attr{onnx.Int("transB", 1)}, In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{5, 4}, Batched: true}}},
		{Name: "weights only", Attrs: []onnx.Attr{onnx.Int("transA", 1), onnx.Int("transB", 1)}, In: []Arg{{Shape: []int{7, 2}, Shared: true}, {Shape: []int{3, 7}}, {Shape: []int{2, 1}}}},
	},
})

// gemm is a bound Gemm: y[rows, n] from a of inner size k.
type gemm[T kernel.Float] struct {
	transA, transB bool
	alpha, beta    T
	rows           count
	n, k           int
	bias           *walk // over Y beside Y and C, nil without C
	product        kernel.Product[T]
}

func bindGemm[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	a, b := &n.In[0], &n.In[1]
	if len(a.Shape) != 2 || len(b.Shape) != 2 {
		return nil, fmt.Errorf("operands have shapes %v and %v, wants matrices", a.Shape, b.Shape)
	}
	g := &gemm[T]{
		transA: n.Int("transA", 0) != 0, transB: n.Int("transB", 0) != 0,
		alpha: T(n.Float("alpha", 1)), beta: T(n.Float("beta", 1)), product: kernel.ProductOf[T](n.BF16),
	}
	m, ka := transposed(a.Shape, g.transA)
	kb, cols := transposed(b.Shape, g.transB)
	if ka != kb {
		return nil, fmt.Errorf("inner dimensions %d and %d of shapes %v and %v differ", ka, kb, a.Shape, b.Shape)
	}
	g.n, g.k = cols, ka
	shape := []int{m, cols}
	batched := a.Batched && !g.transA && !b.Batched
	if n.Has(2) {
		c := &n.In[2]
		if full, err := broadcast(shape, c.Shape); err != nil || len(full) != 2 || full[0] != m || full[1] != cols {
			return nil, fmt.Errorf("shape %v of C does not broadcast to %v", c.Shape, shape)
		}
		batched = batched && c.aligned(shape)
		var err error
		if g.bias, err = n.newWalk(shape, shape, c.Shape, batched); err != nil {
			return nil, err
		}
	}
	g.rows = n.count(m, batched)
	k := result[T](n, shape, batched)
	k.ReadsIn, k.Sets = []int{0, 1}, []int{0, 1}
	k.Forward = []Phase[T]{g.forward}
	k.Backward = []Phase[T]{g.backward}
	return k, nil
}

// transposed is the size of a matrix as it enters a product.
func transposed(shape []int, trans bool) (rows, cols int) {
	if trans {
		return shape[1], shape[0]
	}
	return shape[0], shape[1]
}

// strides are the leading dimensions of A and B as they lie in memory.
func (g *gemm[T]) strides(m int) (lda, ldb int) {
	lda, ldb = g.k, g.n
	if g.transA {
		lda = m
	}
	if g.transB {
		ldb = g.k
	}
	return lda, ldb
}

func (g *gemm[T]) forward(f *Frame[T]) {
	m, y := g.rows.of(f.N), f.Out[0]
	var beta T
	if g.bias != nil {
		beta = 1
		c := f.In[2]
		for r := g.bias.start(f.N); r.next(); {
			dst, src := y[r.o:r.o+r.len], c[r.b:r.b+r.lenB]
			switch {
			case len(src) != len(dst):
				kernel.Fill(dst, g.beta*src[0])
			case g.beta == 1:
				copy(dst, src)
			default:
				for i, v := range src {
					dst[i] = g.beta * v
				}
			}
		}
	}
	lda, ldb := g.strides(m)
	g.product(g.transA, g.transB, m, g.n, g.k, g.alpha, f.In[0], lda, f.In[1], ldb, beta, y, g.n)
}

func (g *gemm[T]) backward(f *Frame[T]) {
	m, dy := g.rows.of(f.N), f.DOut[0]
	lda, ldb := g.strides(m)
	if da := f.DIn[0]; da != nil {
		old := f.kept(0)
		if g.transA {
			g.product(g.transB, true, g.k, m, g.n, g.alpha, f.In[1], ldb, dy, g.n, old, da, lda)
		} else {
			g.product(false, !g.transB, m, g.k, g.n, g.alpha, dy, g.n, f.In[1], ldb, old, da, lda)
		}
	}
	if db := f.DIn[1]; db != nil {
		old := f.kept(1)
		if g.transB {
			g.product(true, g.transA, g.n, g.k, m, g.alpha, dy, g.n, f.In[0], lda, old, db, ldb)
		} else {
			g.product(!g.transA, false, g.k, g.n, m, g.alpha, f.In[0], lda, dy, g.n, old, db, ldb)
		}
	}
	if g.bias != nil && f.DIn[2] != nil {
		dc := f.DIn[2]
		for r := g.bias.start(f.N); r.next(); {
			addTo(dc[r.b:r.b+r.lenB], dy[r.o:r.o+r.len], g.beta)
		}
	}
}
