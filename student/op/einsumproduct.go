// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// einsumProduct is a sum of products of two operands as matrix products. Labels of
// both operands and the result count matrices, those of one operand and the result
// its rows or columns, all others are summed over. The operands are brought into
// the orders [matrices, rows, sum] and [matrices, sum, columns], where they are not
// in them already, and the result out of [matrices, rows, columns].
type einsumProduct[T kernel.Float] struct {
	lead        count // positions of the batch's label walked one by one
	matrices    int
	rows        count // with the batch's label where it counts rows
	cols, inner int
	left, right int // numbers of the operands
	a, b, c     einsumSide[T]
	unpack      permutation[T] // the result from its matrices
}

// einsumSide is an operand or the result beside its matrices.
type einsumSide[T kernel.Float] struct {
	per    int // elements a position of lead
	direct bool
	pack   permutation[T] // the matrices from the tensor
	size   count          // of the matrices of a position of lead
}

func bindEinsumProduct[T kernel.Float](n *Node, k *Kernel[T], s *subscripts, batched bool) error {
	e := &einsumProduct[T]{lead: count{fixed: 1}, right: 1}
	if batched && !n.In[0].Batched {
		e.left, e.right = 1, 0
	}
	a, b := s.in[e.left], s.in[e.right]
	var matrices, rows, cols, inner []label
	for _, l := range s.out {
		switch inA, inB := slices.Contains(a, l), slices.Contains(b, l); {
		case inA && inB:
			matrices = append(matrices, l)
		case inA:
			rows = append(rows, l)
		default:
			cols = append(cols, l)
		}
	}
	for l := range s.size {
		if !slices.Contains(s.out, l) {
			inner = append(inner, l)
		}
	}
	slices.Sort(inner)
	out := s.out
	stepsA, stepsB, stepsC := s.steps(e.left, n.In[e.left].Shape), s.steps(e.right, n.In[e.right].Shape), map[label]int{}
	for i, step := range strides(s.shape(out)) {
		stepsC[out[i]] = step
	}
	var tall label // the batch's label where it is the first of the rows
	if batched {
		first := out[0]
		if len(matrices) == 0 && rows[0] == first {
			tall = first
		} else {
			e.lead = n.count(s.size[first], true)
			e.a.per, e.b.per, e.c.per = stepsA[first], stepsB[first], stepsC[first]
			drop := func(list []label) []label {
				return slices.DeleteFunc(slices.Clone(list), func(l label) bool { return l == first })
			}
			matrices, rows, out = drop(matrices), drop(rows), drop(out)
		}
	}
	e.matrices, e.cols, e.inner = Len(s.shape(matrices)), Len(s.shape(cols)), Len(s.shape(inner))
	e.rows = n.count(Len(s.shape(rows)), tall != 0)
	side := func(into *einsumSide[T], of map[label]int, parts ...[]label) error {
		order := slices.Concat(parts...)
		into.pack = plan[T](n, s, order, of, tall)
		into.direct = contiguous(s, order, of)
		into.size = n.count(Len(s.shape(order)), len(order) > 0 && order[0] == tall)
		if len(into.pack.strides) > maxAxes {
			return fmt.Errorf("an operand has more than %d groups of axes", maxAxes)
		}
		return nil
	}
	if err := side(&e.a, stepsA, matrices, rows, inner); err != nil {
		return err
	}
	if err := side(&e.b, stepsB, matrices, inner, cols); err != nil {
		return err
	}
	if err := side(&e.c, stepsC, matrices, rows, cols); err != nil {
		return err
	}
	packed := map[label]int{}
	order := slices.Concat(matrices, rows, cols)
	for i, step := range strides(s.shape(order)) {
		packed[order[i]] = step
	}
	if e.unpack = plan[T](n, s, out, packed, tall); len(e.unpack.strides) > maxAxes {
		return fmt.Errorf("the result has more than %d groups of axes", maxAxes)
	}
	for _, side := range []*einsumSide[T]{&e.a, &e.b, &e.c} {
		// Backward holds the packed operand and its packed gradient.
		k.Scratch += 2 * side.size.fixed
		k.ScratchPer += 2 * side.size.per
	}
	k.Forward = []Phase[T]{e.forward}
	k.Backward = []Phase[T]{e.backward}
	return nil
}

// plan is the walk over labels in the given order beside a tensor that has the given
// steps along them. The first axis is the batch's where it is tall.
func plan[T kernel.Float](n *Node, s *subscripts, order []label, steps map[label]int, tall label) permutation[T] {
	var dims, along []int
	isTall := len(order) > 0 && order[0] == tall
	for i, l := range order {
		d, step := s.size[l], steps[l]
		if last := len(dims) - 1; last >= 0 && !(isTall && i == 1) && along[last] == step*d {
			dims[last] *= d
			along[last] = step
			continue
		}
		dims, along = append(dims, d), append(along, step)
	}
	if len(dims) == 0 {
		dims, along = []int{1}, []int{1}
	}
	return permutation[T]{dims: dims[1:], strides: along, lead: n.count(dims[0], isTall)}
}

// contiguous says whether a tensor with these steps holds its elements in the order
// of the labels, so that it is its own matrices.
func contiguous(s *subscripts, order []label, steps map[label]int) bool {
	step := 1
	for _, l := range slices.Backward(order) {
		if s.size[l] != 1 && steps[l] != step {
			return false
		}
		step *= s.size[l]
	}
	return true
}

// take cuts size elements off the scratch space.
func take[T kernel.Float](scratch *[]T, size int) []T {
	s := (*scratch)[:size:size]
	*scratch = (*scratch)[size:]
	return s
}

// packed is the tensor's matrices: itself, or a copy in the scratch space.
func (s *einsumSide[T]) packed(n int, x []T, scratch *[]T) []T {
	if s.direct {
		return x[:s.size.of(n)]
	}
	m := take(scratch, s.size.of(n))
	s.pack.walk(n, m, x, there)
	return m
}

func (e *einsumProduct[T]) forward(f *Frame[T]) {
	m, n, k := e.rows.of(f.N), e.cols, e.inner
	for i := range e.lead.of(f.N) {
		scratch := f.Scratch
		a := e.a.packed(f.N, f.In[e.left][i*e.a.per:], &scratch)
		b := e.b.packed(f.N, f.In[e.right][i*e.b.per:], &scratch)
		y := f.Out[0][i*e.c.per:]
		c := y
		if !e.c.direct {
			c = take(&scratch, e.c.size.of(f.N))
		}
		for j := range e.matrices {
			kernel.Gemm(false, false, m, n, k, 1, a[j*m*k:], max(k, 1), b[j*k*n:], max(n, 1), 0, c[j*m*n:], max(n, 1))
		}
		if !e.c.direct {
			e.unpack.walk(f.N, y[:len(c)], c, there)
		}
	}
}

func (e *einsumProduct[T]) backward(f *Frame[T]) {
	m, n, k := e.rows.of(f.N), e.cols, e.inner
	for i := range e.lead.of(f.N) {
		scratch := f.Scratch
		dc := e.c.packed(f.N, f.DOut[0][i*e.c.per:], &scratch)
		if dx := f.DIn[e.left]; dx != nil {
			rest := scratch
			b := e.b.packed(f.N, f.In[e.right][i*e.b.per:], &rest)
			da := e.a.target(f.N, dx[i*e.a.per:], &rest)
			for j := range e.matrices {
				kernel.Gemm(false, true, m, k, n, 1, dc[j*m*n:], max(n, 1), b[j*k*n:], max(n, 1), 1, da[j*m*k:], max(k, 1))
			}
			e.a.settle(f.N, dx[i*e.a.per:], da)
		}
		if dx := f.DIn[e.right]; dx != nil {
			rest := scratch
			a := e.a.packed(f.N, f.In[e.left][i*e.a.per:], &rest)
			db := e.b.target(f.N, dx[i*e.b.per:], &rest)
			for j := range e.matrices {
				kernel.Gemm(true, false, k, n, m, 1, a[j*m*k:], max(k, 1), dc[j*m*n:], max(n, 1), 1, db[j*k*n:], max(n, 1))
			}
			e.b.settle(f.N, dx[i*e.b.per:], db)
		}
	}
}

// target is where a gradient's matrices are added up: the gradient itself, or zeros
// in the scratch space that settle adds to it.
func (s *einsumSide[T]) target(n int, dx []T, scratch *[]T) []T {
	if s.direct {
		return dx[:s.size.of(n)]
	}
	m := take(scratch, s.size.of(n))
	clear(m)
	return m
}

func (s *einsumSide[T]) settle(n int, dx, m []T) {
	if !s.direct {
		s.pack.walk(n, m, dx, adding)
	}
}
