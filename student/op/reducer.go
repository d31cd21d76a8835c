// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// reducer is a reduction that takes one element after another. The loops see runs
// in which len(y) is len(x) or 1.
type reducer[T kernel.Float] struct {
	begin T // what the output of no element is
	take  func(y, x []T)
	end   func(y []T) // what follows the last element; may be nil
	// grad adds to dx; x and y are nil unless read.
	grad         func(dx, dy, x, y []T)
	readX, readY bool
}

// bind binds a reduction by taking; see newReduction.
func (e reducer[T]) bind(n *Node, asInput int) (*Kernel[T], error) {
	r, k, err := newReduction[T](n, asInput)
	if err != nil {
		return nil, err
	}
	e.place(r, k)
	return k, nil
}

// place gives a bound reduction its phases.
func (e reducer[T]) place(r *reduction, k *Kernel[T]) {
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		x, y := f.In[0], f.Out[0]
		kernel.Fill(y, e.begin)
		for at := r.walk.start(f.N); at.next(); {
			e.take(y[at.b:at.b+at.lenB], x[at.o:at.o+at.len])
		}
		if e.end != nil {
			e.end(y)
		}
	}}
	if e.readX {
		k.ReadsIn = []int{0}
	}
	if e.readY {
		k.ReadsOut = []int{0}
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		for at := r.walk.start(f.N); at.next(); {
			var x, y []T
			if e.readX {
				x = f.In[0][at.o : at.o+at.len]
			}
			if e.readY {
				y = f.Out[0][at.b : at.b+at.lenB]
			}
			e.grad(f.DIn[0][at.o:at.o+at.len], f.DOut[0][at.b:at.b+at.lenB], x, y)
		}
	}}
}
