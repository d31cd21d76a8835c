// SPDX-License-Identifier: Apache-2.0

package op

import (
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// einsumLoop is a sum of products of any number of operands, position by position.
type einsumLoop[T kernel.Float] struct {
	lead     count // positions of the batch's label, walked one after the other
	dims     []int // of the other labels
	steps    [][]int
	per      []int // elements of every operand a position of lead
	out      []int // steps of the result, zero along labels that are summed over
	outPer   int
	operands int
}

func bindEinsumLoop[T kernel.Float](n *Node, k *Kernel[T], s *subscripts, batched bool) error {
	e := &einsumLoop[T]{lead: count{fixed: 1}, operands: len(s.in)}
	order := slices.Clone(s.out)
	var rest []label
	for l := range s.size {
		if !slices.Contains(order, l) {
			rest = append(rest, l)
		}
	}
	slices.Sort(rest)
	order = append(order, rest...)
	outSteps := strides(s.shape(s.out))
	e.outPer = Len(s.shape(s.out))
	if batched {
		e.lead = n.count(s.size[order[0]], true)
		e.outPer /= s.size[order[0]]
		order, outSteps = order[1:], outSteps[1:]
	}
	e.dims = s.shape(order)
	e.out = make([]int, len(order))
	copy(e.out, outSteps)
	for i := range s.in {
		of := s.steps(i, n.In[i].Shape)
		steps := make([]int, len(order))
		for j, l := range order {
			steps[j] = of[l]
		}
		e.steps = append(e.steps, steps)
		per := 0
		if batched {
			per = of[s.out[0]]
		}
		e.per = append(e.per, per)
	}
	k.Forward = []Phase[T]{e.forward}
	k.Backward = []Phase[T]{e.backward}
	return nil
}

// einsumAt is a position of all labels: offsets into the operands and the result.
type einsumAt struct {
	pos [2 * maxAxes]int
	in  [maxAxes]int
	out int
}

// start is the first position at position i of the batch's label.
func (e *einsumLoop[T]) start(i int) einsumAt {
	a := einsumAt{out: i * e.outPer}
	for j, per := range e.per {
		a.in[j] = i * per
	}
	return a
}

// next moves to the next position and says whether there is one.
func (e *einsumLoop[T]) next(a *einsumAt) bool {
	for j := len(e.dims) - 1; j >= 0; j-- {
		a.pos[j]++
		by := 1
		if a.pos[j] == e.dims[j] {
			a.pos[j], by = 0, 1-e.dims[j]
		}
		a.out += by * e.out[j]
		for i := range e.steps {
			a.in[i] += by * e.steps[i][j]
		}
		if by == 1 && a.pos[j] > 0 {
			return true
		}
	}
	return false
}

func (e *einsumLoop[T]) forward(f *Frame[T]) {
	clear(f.Out[0])
	if Len(e.dims) == 0 {
		return
	}
	for i := range e.lead.of(f.N) {
		a := e.start(i)
		for {
			v := f.In[0][a.in[0]]
			for j := 1; j < e.operands; j++ {
				v *= f.In[j][a.in[j]]
			}
			f.Out[0][a.out] += v
			if !e.next(&a) {
				break
			}
		}
	}
}

func (e *einsumLoop[T]) backward(f *Frame[T]) {
	if Len(e.dims) == 0 {
		return
	}
	for i := range e.lead.of(f.N) {
		for to := range e.operands {
			if f.DIn[to] == nil {
				continue
			}
			a := e.start(i)
			for {
				v := f.DOut[0][a.out]
				for j := range e.operands {
					if j != to {
						v *= f.In[j][a.in[j]]
					}
				}
				f.DIn[to][a.in[to]] += v
				if !e.next(&a) {
					break
				}
			}
		}
	}
}
