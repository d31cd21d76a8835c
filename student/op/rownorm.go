// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// rowNorm is a bound LayerNormalization or RMSNormalization: the last axes of a
// tensor are rows that are brought to a norm of their own.
type rowNorm[T kernel.Float] struct {
	axis         int // the first of a row
	rows         count
	cols         int
	epsilon      float64
	centred      bool  // the mean is taken off
	scale, shift *walk // over a row beside itself and the parameter; see rowParameter
	shifted      bool  // there is an input 2
}

// newRowNorm binds the inputs X, scale and perhaps shift, and returns the kernel
// with its phases. Scale and shift broadcast to the axes of a row.
func newRowNorm[T kernel.Float](n *Node, centred bool) (*rowNorm[T], *Kernel[T], error) {
	x := &n.In[0]
	at, err := axis(n.Int("axis", -1), len(x.Shape))
	if err != nil {
		return nil, nil, err
	}
	r := &rowNorm[T]{axis: at, cols: Len(x.Shape[at:]), epsilon: float64(n.Float("epsilon", 1e-5)), centred: centred}
	batched := x.Batched && at > 0
	for i := 1; i < len(n.In); i++ {
		if !n.Has(i) {
			continue
		}
		batched = batched && !n.In[i].Batched
		w, err := n.rowParameter(i, x.Shape[at:])
		if err != nil {
			return nil, nil, err
		}
		if i == 1 {
			r.scale = w
		} else {
			r.shift, r.shifted = w, true
		}
	}
	rows := Len(x.Shape[:at])
	r.rows = n.count(rows, batched)
	k := result[T](n, x.Shape, batched)
	k.ReadsIn = []int{0, 1}
	k.Saved = (2*rows + n.Batch - 1) / n.Batch
	k.Scratch = 6 * r.cols
	k.Forward = []Phase[T]{r.forward}
	k.Backward = []Phase[T]{r.backward}
	return r, k, nil
}

// rowParameter is a walk over a row beside itself and input i, nil where the input
// has the shape of the row.
func (n *Node) rowParameter(i int, row []int) (*walk, error) {
	shape := n.In[i].Shape
	for len(shape) > len(row) && shape[0] == 1 {
		shape = shape[1:]
	}
	if to, err := broadcast(row, shape); err != nil || !slices.Equal(to, row) {
		return nil, fmt.Errorf("input %d of shape %v does not broadcast to the normalised axes %v", i, n.In[i].Shape, row)
	}
	if Len(shape) == Len(row) {
		return nil, nil
	}
	return n.newWalk(row, row, shape, false)
}

// whole is a parameter in the shape of a row: itself, or repeated in room.
func (r *rowNorm[T]) whole(w *walk, p, room []T) []T {
	if w == nil {
		return p
	}
	for at := w.start(1); at.next(); {
		out, v := room[at.o:at.o+at.len], p[at.b:at.b+at.lenB]
		step := stride(v, out)
		for i := range out {
			out[i] = v[i*step]
		}
	}
	return room
}

// room is part i of the scratch space, a row long.
func (r *rowNorm[T]) room(f *Frame[T], i int) []T { return f.Scratch[i*r.cols : (i+1)*r.cols] }

func (r *rowNorm[T]) forward(f *Frame[T]) {
	ones := r.room(f, 0)
	kernel.Fill(ones, 1)
	scale := r.whole(r.scale, f.In[1], r.room(f, 1))
	var shift []T
	if r.shifted {
		shift = r.whole(r.shift, f.In[2], r.room(f, 2))
	}
	for i := range r.rows.of(f.N) {
		x, y := f.In[0][i*r.cols:(i+1)*r.cols], f.Out[0][i*r.cols:(i+1)*r.cols]
		var mean float64
		if r.centred {
			mean = kernel.Sum(x) / float64(r.cols)
		}
		kernel.AddScaled(y, x, T(-mean), ones)
		rstd := T(1 / math.Sqrt(kernel.Dot(y, y)/float64(r.cols)+r.epsilon))
		f.Saved[2*i], f.Saved[2*i+1] = T(mean), rstd
		kernel.MulTo(y, y, scale)
		if shift == nil {
			kernel.Scal(y, rstd)
		} else {
			kernel.AddScaled(y, shift, rstd, y)
		}
		for j := 1; j < len(f.Out); j++ {
			f.Out[j][i] = f.Saved[2*i+j-1]
		}
	}
}

// backward, with X̂ the normalised row and G = dY * scale, adds
//
//	dX = rstd * (G - mean(G) - X̂ * mean(G * X̂))    dscale = dY * X̂    dshift = dY
//
// and what the outputs mean and rstd give: d mean / cols and -d rstd * rstd² * X̂ / cols.
func (r *rowNorm[T]) backward(f *Frame[T]) {
	ones, xhat, g := r.room(f, 0), r.room(f, 1), r.room(f, 2)
	kernel.Fill(ones, 1)
	scale := r.whole(r.scale, f.In[1], r.room(f, 3))
	dscale, dshift := r.gather(f, 1, r.scale, 4), r.gather(f, 2, r.shift, 5)
	for i := range r.rows.of(f.N) {
		mean, rstd := f.Saved[2*i], f.Saved[2*i+1]
		kernel.AddScaled(xhat, f.In[0][i*r.cols:(i+1)*r.cols], -mean, ones)
		kernel.Scal(xhat, rstd)
		var alongOnes, alongX T
		clear(g)
		if f.DOut[0] != nil {
			dy := f.DOut[0][i*r.cols : (i+1)*r.cols]
			if dscale != nil {
				kernel.AddMul(dscale, dy, xhat)
			}
			if dshift != nil {
				kernel.Add(dshift, dy)
			}
			kernel.MulTo(g, dy, scale)
			if r.centred {
				alongOnes = -rstd * T(kernel.Sum(g)/float64(r.cols))
			}
			alongX = -rstd * T(kernel.Dot(g, xhat)/float64(r.cols))
		}
		if f.DIn[0] == nil {
			continue
		}
		if len(f.DOut) > 1 && f.DOut[1] != nil {
			alongOnes += f.DOut[1][i] / T(r.cols)
		}
		if len(f.DOut) > 2 && f.DOut[2] != nil {
			alongX -= f.DOut[2][i] * rstd * rstd / T(r.cols)
		}
		dx := f.DIn[0][i*r.cols : (i+1)*r.cols]
		kernel.Axpy(dx, rstd, g)
		kernel.Axpy(dx, alongX, xhat)
		if r.centred {
			kernel.Axpy(dx, alongOnes, ones)
		}
	}
	r.scatter(f, 1, r.scale, dscale)
	r.scatter(f, 2, r.shift, dshift)
}

// gather is where the gradient of parameter i is added up: its own, or a row of the
// scratch space where the parameter broadcasts. It is nil where none is wanted.
func (r *rowNorm[T]) gather(f *Frame[T], i int, w *walk, room int) []T {
	if i >= len(f.DIn) {
		return nil
	}
	if f.DIn[i] == nil || w == nil {
		return f.DIn[i]
	}
	row := r.room(f, room)
	clear(row)
	return row
}

// scatter adds the gathered gradient to that of a parameter that broadcasts.
func (r *rowNorm[T]) scatter(f *Frame[T], i int, w *walk, row []T) {
	if row == nil || w == nil {
		return
	}
	for at := w.start(1); at.next(); {
		addTo(f.DIn[i][at.b:at.b+at.lenB], row[at.o:at.o+at.len], 1)
	}
}
