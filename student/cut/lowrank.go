// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/kdcompress/kdcompress/onnx"
)

var _ = register(Kind{
	Name:    "lowrank",
	Summary: "the teacher with its large matrices as products of two thin ones",
	Options: []Option{
		{Name: "ratio", Default: "0.5", Doc: "multiply-adds of a matrix that stay", Min: 0.01, Max: 0.9},
		{Name: "least", Default: "64", Doc: "matrices with a side below this stay whole", Min: 8, Max: 65536},
	},
	run: lowRank,
})

// thinnest is the rank below which two products take longer than their
// multiply-adds say.
const thinnest = 16

// lowRank replaces W [in, out] of Gemm and MatMul by P [in, r] Q [r, out]. The rank
// is what leaves the wanted share of the multiply-adds, a multiple of 8. P and Q
// are best for the data: with S S' = X'X over the samples' rows X, they come from
// the singular values of S'W, so that |X(W - PQ)| is least (Wang et al. 2024,
// arXiv:2403.07378).
func lowRank(ctx context.Context, w *work, s Step) error {
	before := w.model.Clone()
	count := 0
	for _, n := range append([]*onnx.Node(nil), w.model.Graph.Nodes...) {
		if n.OpType == "Conv" {
			continue
		}
		l, err := w.layerOf(n)
		if err != nil {
			return err
		}
		if l == nil || min(l.in, l.out) < int(s.number("least")) {
			continue
		}
		rank := int(s.number("ratio")*float64(l.in)*float64(l.out)/float64(l.in+l.out)) / 8 * 8
		if rank < thinnest {
			continue
		}
		if err := w.thin(ctx, before, l, rank); err != nil {
			return err
		}
		w.note("lowrank: %q of %dx%d through rank %d", l.weight.Name, l.in, l.out, rank)
		count++
	}
	if count == 0 {
		return fmt.Errorf("%w: no matrix has sides of %s or more and a rank of %d or more at ratio %s", ErrNothing, s.text("least"), thinnest, s.text("ratio"))
	}
	return nil
}

// thin replaces one matrix.
func (w *work) thin(ctx context.Context, before *onnx.Model, l *layer, rank int) error {
	x, _, rows, err := w.rows(ctx, before, nil, l)
	if err != nil {
		return err
	}
	f, err := l.read()
	if err != nil {
		return err
	}
	var gram mat.SymDense
	gram.SymOuterK(1, mat.NewDense(rows, l.in, x).T())
	// What the samples do not show counts a little, so that it is not lost.
	small := 1e-2 * mat.Trace(&gram) / float64(l.in)
	for i := range l.in {
		gram.SetSym(i, i, gram.At(i, i)+small+1e-12)
	}
	var ch mat.Cholesky
	if !ch.Factorize(&gram) {
		return &onnx.Error{Node: l.n.Name, Op: l.n.OpType, Err: fmt.Errorf("the samples' products cannot be factorised")}
	}
	var up mat.TriDense
	ch.UTo(&up) // S' of X'X = S S'
	var turned mat.Dense
	turned.Mul(&up, mat.NewDense(l.in, l.out, f.w))
	var svd mat.SVD
	if !svd.Factorize(&turned, mat.SVDThin) {
		return &onnx.Error{Node: l.n.Name, Op: l.n.OpType, Err: fmt.Errorf("its weights have no singular values")}
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	values := svd.Values(nil)
	rank = min(rank, len(values))
	var left mat.Dense
	if err := left.Solve(&up, u.Slice(0, l.in, 0, rank)); err != nil {
		return &onnx.Error{Node: l.n.Name, Op: l.n.OpType, Err: err}
	}
	p, q := make([]float32, l.in*rank), make([]float32, rank*l.out)
	for k := range rank {
		root := math.Sqrt(values[k])
		for i := range l.in {
			p[i*rank+k] = float32(left.At(i, k) * root)
		}
		for j := range l.out {
			q[k*l.out+j] = float32(v.At(j, k) * root)
		}
	}
	g := w.model.Graph
	b := onnx.NewBuilder(g, "")
	n, t := l.n, l.weight
	first := b.Float32(t.Name+".in", []int64{int64(l.in), int64(rank)}, p)
	second := b.Float32(t.Name+".out", []int64{int64(rank), int64(l.out)}, q)
	for _, name := range []string{first, second} {
		c := g.Initializer(name)
		v, err := onnx.Values[float32](c)
		if err != nil {
			return err
		}
		c.Type, c.Data = t.Type, onnx.FloatData(t.Type, v)
	}
	n.Inputs[0] = b.OpNamed(n.Outputs[0]+".thin", "MatMul", []string{n.Inputs[0], first})
	n.Inputs[1] = second
	if n.OpType == "Gemm" {
		n.SetAttr(onnx.Int("transB", 0))
	}
	return g.Sort()
}
