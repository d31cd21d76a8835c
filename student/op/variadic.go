// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// variadic is an elementwise operator of any number of operands that broadcast,
// bound: one walk for each over the output, beside itself and the operand.
type variadic[T kernel.Float] struct {
	walks []*walk
	size  count // elements of the output
}

// newVariadic binds the operands and returns the kernel without its phases. It
// works sample by sample under the conditions of binary.
func newVariadic[T kernel.Float](n *Node) (*variadic[T], *Kernel[T], error) {
	operands := max(len(n.In), 1)
	err := n.arity(operands, operands, 1)
	if err != nil {
		return nil, nil, err
	}
	shape := n.In[0].Shape
	for i := range n.In {
		if shape, err = broadcast(shape, n.In[i].Shape); err != nil {
			return nil, nil, err
		}
	}
	batched := n.anyBatched()
	for i := range n.In {
		batched = batched && n.In[i].aligned(shape)
	}
	v := &variadic[T]{size: n.count(Len(shape), batched)}
	for i := range n.In {
		w, err := n.newWalk(shape, shape, n.In[i].Shape, batched)
		if err != nil {
			return nil, nil, err
		}
		v.walks = append(v.walks, w)
	}
	return v, result[T](n, shape, batched), nil
}

// bindTotal binds the sum of the operands times a factor that depends on how many
// there are.
func bindTotal[T kernel.Float](n *Node, factor func(operands int) T) (*Kernel[T], error) {
	v, k, err := newVariadic[T](n)
	if err != nil {
		return nil, err
	}
	scale := factor(len(n.In))
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y := f.Out[0]
		clear(y)
		for i, w := range v.walks {
			for r := w.start(f.N); r.next(); {
				out, x := y[r.o:r.o+r.len], f.In[i][r.b:r.b+r.lenB]
				add(out, out, x)
			}
		}
		if scale != 1 {
			kernel.Scal(y, scale)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		for i, w := range v.walks {
			if f.DIn[i] == nil {
				continue
			}
			for r := w.start(f.N); r.next(); {
				addTo(f.DIn[i][r.b:r.b+r.lenB], f.DOut[0][r.o:r.o+r.len], scale)
			}
		}
	}}
	return k, nil
}

// bindExtreme binds an operator that takes one of the operands for every element. The
// gradient goes to the first operand that equals the result.
func bindExtreme[T kernel.Float](n *Node, pick func(a, b T) T) (*Kernel[T], error) {
	v, k, err := newVariadic[T](n)
	if err != nil {
		return nil, err
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y := f.Out[0]
		for i, w := range v.walks {
			for r := w.start(f.N); r.next(); {
				out, x := y[r.o:r.o+r.len], f.In[i][r.b:r.b+r.lenB]
				for j := range out {
					if i == 0 {
						out[j] = at(x, j)
					} else {
						out[j] = pick(out[j], at(x, j))
					}
				}
			}
		}
	}}
	for i := range n.In {
		k.ReadsIn = append(k.ReadsIn, i)
	}
	k.ReadsOut = []int{0}
	k.Scratch, k.ScratchPer = v.size.fixed, v.size.per
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		rest := f.Scratch[:v.size.of(f.N)] // of the gradient, what no operand has had
		copy(rest, f.DOut[0])
		for i, w := range v.walks {
			for r := w.start(f.N); r.next(); {
				y, left, x := f.Out[0][r.o:r.o+r.len], rest[r.o:r.o+r.len], f.In[i][r.b:r.b+r.lenB]
				for j, best := range y {
					if at(x, j) != best {
						continue
					}
					if f.DIn[i] != nil {
						f.DIn[i][r.indexB(j)] += left[j]
					}
					left[j] = 0
				}
			}
		}
	}}
	return k, nil
}

// variadicCases are the operands every variadic operator is checked with.
func variadicCases(oldest int) []Case {
	x := func(shape ...int) Arg { return Arg{Shape: shape, Distinct: true} }
	batched := func(shape ...int) Arg { return Arg{Shape: shape, Batched: true, Lo: -0.9, Hi: 1.1, Distinct: true} }
	other := func(shape ...int) Arg { return Arg{Shape: shape, Lo: -0.97, Hi: 0.83, Distinct: true} }
	shared := x(3, 4)
	shared.Shared = true
	return []Case{
		{Name: "one", In: []Arg{x(5, 3)}},
		{Name: "two", In: []Arg{x(5, 3, 7), batched(5, 3, 7)}},
		{Name: "three", In: []Arg{x(5, 9), batched(5, 9), other(9)}},
		{Name: "oldest opset", Opset: oldest, In: []Arg{x(5, 3), batched(5, 3)}},
		{Name: "a number", In: []Arg{x(5, 9), other()}},
		{Name: "all broadcast", In: []Arg{x(5, 1, 4), batched(5, 3, 1), other(3, 4)}},
		{Name: "two images a sample", In: []Arg{x(10, 4), other(1, 4)}},
		{Name: "across samples", In: []Arg{x(5, 3), other(5, 1)}},
		{Name: "no elements", In: []Arg{x(5, 0, 3), other(3)}},
		{Name: "weights", In: []Arg{shared, other(4)}},
	}
}
