// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// pick is a bound operator whose output elements are elements of the input or a
// constant, chosen along every axis by itself: cutting, padding, repeating.
type pick[T kernel.Float] struct {
	lead          count // blocks of a slice: positions on axis 0 where batched, else one
	inPer, outPer int   // elements of the input and the output a block
	middle        [][]int
	runs          []pickRun // along the innermost axes
	row           int       // elements of all runs
	fill          T
}

// pickRun is len elements of the input from at on, step apart; outside means the
// constant.
type pickRun struct{ len, at, step int }

// outside marks a position of a table that meets no element of the input.
const outside = -1

// maxElements bounds what an operator makes from a small file: the elements of
// shapes that are written as numbers in the model.
const maxElements = 1 << 28

// sized refuses shapes of more than maxElements elements or negative dimensions.
func sized(shape []int) error {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && n > maxElements/d {
			return fmt.Errorf("shape %v holds more than %d elements", shape, maxElements)
		}
		n *= d
	}
	return nil
}

// bindPick binds the operator that takes element tables[0][i], tables[1][j], ... of
// the first input, seen under the shape in, to output position i, j, ... A batched
// input stays batched while its first axis is kept as it is; a shared one that can
// still change becomes batched where the first axis repeats its one element for
// every sample.
func bindPick[T kernel.Float](n *Node, in []int, tables [][]int, fill T) (*Kernel[T], error) {
	x := &n.In[0]
	shape := make([]int, len(tables))
	for i, t := range tables {
		shape[i] = len(t)
	}
	if err := sized(shape); err != nil {
		return nil, err
	}
	p := &pick[T]{fill: fill, lead: count{fixed: 1}, inPer: Len(in), outPer: Len(shape)}
	batched := false
	if len(shape) > 0 && Len(shape) > 0 {
		switch {
		case x.Batched:
			batched = len(tables[0]) == in[0] && kept(tables[0])
		case x.Const == nil:
			batched = in[0] == 1 && shape[0] > 1 && shape[0]%n.Batch == 0
		}
	}
	first := 0
	if batched {
		first = 1
		p.lead = n.count(shape[0], true)
		p.inPer, p.outPer = Len(in[1:]), Len(shape[1:])
	}
	if err := p.plan(in[first:], tables[first:]); err != nil {
		return nil, err
	}
	if batched && !x.Batched {
		p.inPer = 0
	}
	k := result[T](n, shape, batched)
	k.Forward = []Phase[T]{func(f *Frame[T]) { p.walk(f.N, f.Out[0], f.In[0], false) }}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] != nil {
			p.walk(f.N, f.DOut[0], f.DIn[0], true)
		}
	}}
	return k, nil
}

// kept says that a table takes every position as it is.
func kept(table []int) bool {
	for i, v := range table {
		if i != v {
			return false
		}
	}
	return true
}

// every is the table that keeps an axis of d positions.
func every(d int) []int {
	t := make([]int, d)
	for i := range t {
		t[i] = i
	}
	return t
}

// plan merges the innermost axes that are kept whole with the first that is not,
// and turns the other tables into offsets.
func (p *pick[T]) plan(in []int, tables [][]int) error {
	unit, i := 1, len(in)
	for i > 0 && len(tables[i-1]) == in[i-1] && kept(tables[i-1]) {
		i--
		unit *= in[i]
	}
	if i == 0 {
		p.runs, p.row = []pickRun{{unit, 0, 1}}, unit
		return nil
	}
	i--
	for _, at := range tables[i] {
		p.extend(at, unit)
	}
	p.row = len(tables[i]) * unit
	step := in[i] * unit
	for i--; i >= 0; i-- {
		if !(len(tables[i]) == 1 && tables[i][0] == 0) {
			offsets := make([]int, len(tables[i]))
			for j, at := range tables[i] {
				offsets[j] = outside
				if at != outside {
					offsets[j] = at * step
				}
			}
			p.middle = append(p.middle, offsets)
		}
		step *= in[i]
	}
	for a, b := 0, len(p.middle)-1; a < b; a, b = a+1, b-1 {
		p.middle[a], p.middle[b] = p.middle[b], p.middle[a]
	}
	if len(p.middle) > maxAxes {
		return fmt.Errorf("works along more than %d axes", maxAxes)
	}
	return nil
}

// extend appends unit elements of position at to the runs.
func (p *pick[T]) extend(at, unit int) {
	if last := len(p.runs) - 1; last >= 0 {
		r := &p.runs[last]
		switch {
		case at == outside || r.at == outside:
			if at == r.at {
				r.len += unit
				return
			}
		case unit > 1:
			if at*unit == r.at+r.len {
				r.len += unit
				return
			}
		case r.len == 1:
			r.len, r.step = 2, at-r.at
			return
		case at == r.at+r.len*r.step:
			r.len++
			return
		}
	}
	if at != outside {
		at *= unit
	}
	p.runs = append(p.runs, pickRun{unit, at, 1})
}

// walk sets the output, or adds the output to the input where add.
func (p *pick[T]) walk(n int, out, in []T, add bool) {
	if p.outPer == 0 {
		return
	}
	for i := range p.lead.of(n) {
		y, x := out[i*p.outPer:(i+1)*p.outPer], in[i*p.inPer:]
		var at [maxAxes]int
		for ; len(y) > 0; y = y[p.row:] {
			base := 0
			for j, offsets := range p.middle {
				o := offsets[at[j]]
				if o == outside {
					base = outside
					break
				}
				base += o
			}
			switch {
			case base != outside && add:
				p.addRow(y[:p.row], x[base:])
			case base != outside:
				p.setRow(y[:p.row], x[base:])
			case !add:
				kernel.Fill(y[:p.row], p.fill)
			}
			for j := len(p.middle) - 1; j >= 0; j-- {
				if at[j]++; at[j] < len(p.middle[j]) {
					break
				}
				at[j] = 0
			}
		}
	}
}

func (p *pick[T]) setRow(y, x []T) {
	for _, r := range p.runs {
		d := y[:r.len]
		y = y[r.len:]
		switch {
		case r.at == outside:
			kernel.Fill(d, p.fill)
		case r.step == 1:
			copy(d, x[r.at:])
		case r.step == 0:
			kernel.Fill(d, x[r.at])
		default:
			for i := range d {
				d[i] = x[r.at+i*r.step]
			}
		}
	}
}

func (p *pick[T]) addRow(y, x []T) {
	for _, r := range p.runs {
		d := y[:r.len]
		y = y[r.len:]
		switch {
		case r.at == outside:
		case r.step == 1:
			kernel.Add(x[r.at:r.at+r.len], d)
		case r.step == 0:
			x[r.at] += T(kernel.Sum(d))
		default:
			for i, v := range d {
				x[r.at+i*r.step] += v
			}
		}
	}
}
