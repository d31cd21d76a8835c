// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// resizer is a bound Resize: one pass for every axis that changes, each a linear map
// along that axis alone. Its transpose runs the passes backwards.
type resizer[T kernel.Float] struct {
	lead          count // blocks: positions on axis 0 where batched, else one
	inPer, outPer int
	passes        []resizePass[T]
	longest       int // elements of the largest result between two passes
	beyond        T   // the value of positions outside the input
}

// resizePass resizes the middle axis of [outer, in, inner].
type resizePass[T kernel.Float] struct {
	*resampling[T]
	outer, inner int
}

func bindResizer[T kernel.Float](n *Node, axes []*resampling[T], beyond T) (*Kernel[T], error) {
	x := &n.In[0]
	shape := make([]int, len(axes))
	for i, a := range axes {
		shape[i] = a.out
	}
	if err := sized(shape); err != nil {
		return nil, err
	}
	z := &resizer[T]{lead: count{fixed: 1}, beyond: beyond}
	batched := x.Batched && len(axes) > 0 && axes[0].identity()
	size := append([]int{}, x.Shape...)
	if batched {
		z.lead = n.count(shape[0], true)
		size, axes = size[1:], axes[1:]
	}
	z.inPer = Len(size)
	for i, a := range axes {
		if a.identity() {
			continue
		}
		z.passes = append(z.passes, resizePass[T]{a, Len(size[:i]), Len(size[i+1:])})
		size[i] = a.out
		z.longest = max(z.longest, Len(size))
	}
	z.outPer = Len(size)
	k := result[T](n, shape, batched)
	k.Scratch = 2 * z.longest
	k.Forward = []Phase[T]{z.forward}
	k.Backward = []Phase[T]{z.backward}
	return k, nil
}

func (z *resizer[T]) forward(f *Frame[T]) {
	for i := range z.lead.of(f.N) {
		from, to := f.In[0][i*z.inPer:(i+1)*z.inPer], f.Out[0][i*z.outPer:(i+1)*z.outPer]
		if len(z.passes) == 0 {
			copy(to, from)
			continue
		}
		for j := range z.passes {
			into := to
			if j < len(z.passes)-1 {
				into = f.Scratch[j%2*z.longest:][:z.longest]
			}
			z.passes[j].apply(into, from, z.beyond)
			from = into
		}
	}
}

func (z *resizer[T]) backward(f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	for i := range z.lead.of(f.N) {
		to, from := f.DIn[0][i*z.inPer:(i+1)*z.inPer], f.DOut[0][i*z.outPer:(i+1)*z.outPer]
		if len(z.passes) == 0 {
			kernel.Add(to, from)
			continue
		}
		for j := len(z.passes) - 1; j >= 0; j-- {
			p := &z.passes[j]
			into := to
			if j > 0 {
				into = f.Scratch[j%2*z.longest:][:p.outer*p.in*p.inner]
				clear(into)
			}
			p.transpose(into, from)
			from = into
		}
	}
}

// apply sets y to the resized x.
func (p *resizePass[T]) apply(y, x []T, beyond T) {
	for range p.outer {
		for o := range p.out {
			lo, hi := p.first[o], p.first[o+1]
			row := y[o*p.inner : (o+1)*p.inner]
			switch {
			case lo == hi:
				kernel.Fill(row, beyond)
				continue
			case p.inner == 1:
				var sum T
				for i := lo; i < hi; i++ {
					sum += T(p.weight[i] * x[p.from[i]])
				}
				row[0] = sum
				continue
			}
			copy(row, x[p.from[lo]*p.inner:])
			if w := p.weight[lo]; w != 1 {
				kernel.Scal(row, w)
			}
			for i := lo + 1; i < hi; i++ {
				kernel.Axpy(row, p.weight[i], x[p.from[i]*p.inner:(p.from[i]+1)*p.inner])
			}
		}
		x, y = x[p.in*p.inner:], y[p.out*p.inner:]
	}
}

// transpose adds to dx what apply's transpose makes of dy.
func (p *resizePass[T]) transpose(dx, dy []T) {
	for range p.outer {
		for o := range p.out {
			row := dy[o*p.inner : (o+1)*p.inner]
			for i := p.first[o]; i < p.first[o+1]; i++ {
				at := p.from[i] * p.inner
				if p.inner == 1 {
					dx[at] += T(p.weight[i] * row[0])
					continue
				}
				kernel.Axpy(dx[at:at+p.inner], p.weight[i], row)
			}
		}
		dx, dy = dx[p.in*p.inner:], dy[p.out*p.inner:]
	}
}
