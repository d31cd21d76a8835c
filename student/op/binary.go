// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// binary is an elementwise operator of two operands that broadcast. The loops see
// runs in which len(a) and len(b) are len(out) or 1.
type binary[T kernel.Float] struct {
	fwd func(out, a, b []T)
	// da and db add to the gradient of one operand, whose length is that
	// operand's: a run that was broadcast is summed. Both are nil where no gradient
	// passes.
	da, db func(grad, dy, a, b []T)
	// passA and passB say that da and db add dy itself.
	passA, passB bool
	// reads lists the inputs that da and db read.
	reads []int
}

// bind places a binary operator over its operands. It works sample by sample if
// no operand is broadcast or read along the batch's axis by another sample.
func (e binary[T]) bind(n *Node) (*Kernel[T], error) {
	if err := n.arity(2, 2, 1); err != nil {
		return nil, err
	}
	a, b := &n.In[0], &n.In[1]
	shape, err := broadcast(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	batched := n.anyBatched() && a.aligned(shape) && b.aligned(shape)
	w, err := n.newWalk(shape, a.Shape, b.Shape, batched)
	if err != nil {
		return nil, err
	}
	k := result[T](n, shape, batched)
	k.ReadsIn = e.reads
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		y, a, b := f.Out[0], f.In[0], f.In[1]
		for r := w.start(f.N); r.next(); {
			e.fwd(y[r.o:r.o+r.len], a[r.a:r.a+r.lenA], b[r.b:r.b+r.lenB])
		}
	}}
	if e.da == nil {
		return k, nil
	}
	for i := range n.In {
		if Len(n.In[i].Shape) == Len(shape) {
			k.Sets = append(k.Sets, i)
		}
	}
	grad := func(add func(grad, dy, a, b []T), fresh, pass bool, g, dy, a, b []T) {
		switch {
		case fresh && pass:
			copy(g, dy)
			return
		case fresh:
			clear(g)
		}
		add(g, dy, a, b)
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dy, da, db := f.DOut[0], f.DIn[0], f.DIn[1]
		for r := w.start(f.N); r.next(); {
			var a, b []T
			if len(e.reads) > 0 {
				a, b = f.In[0][r.a:r.a+r.lenA], f.In[1][r.b:r.b+r.lenB]
			}
			if da != nil {
				grad(e.da, f.Fresh[0], e.passA, da[r.a:r.a+r.lenA], dy[r.o:r.o+r.len], a, b)
			}
			if db != nil {
				grad(e.db, f.Fresh[1], e.passB, db[r.b:r.b+r.lenB], dy[r.o:r.o+r.len], a, b)
			}
		}
	}}
	return k, nil
}

// addTo adds s*dy to a gradient of the same length, or its sum to one of length 1.
func addTo[T kernel.Float](grad, dy []T, s T) {
	if len(grad) != len(dy) {
		grad[0] += s * T(kernel.Sum(dy))
		return
	}
	kernel.Axpy(grad, s, dy)
}

// binaryCases are the shapes every binary operator is checked in. Both operands
// are drawn from [lo, hi).
func binaryCases(opset int, lo, hi float64, more ...Case) []Case {
	arg := func(shape ...int) Arg { return Arg{Shape: shape, Lo: lo, Hi: hi} }
	batched := func(shape ...int) Arg { return Arg{Shape: shape, Lo: lo, Hi: hi, Batched: true} }
	shared := func(shape ...int) Arg { return Arg{Shape: shape, Lo: lo, Hi: hi, Shared: true} }
	cases := []Case{
		{Name: "both batched", In: []Arg{arg(5, 3, 7), batched(5, 3, 7)}},
		{Name: "oldest opset", Opset: opset, In: []Arg{arg(5, 3), batched(5, 3)}},
		{Name: "channel bias", In: []Arg{arg(5, 3, 2, 5), arg(3, 1, 1)}},
		{Name: "row bias", In: []Arg{arg(5, 9), arg(9)}},
		{Name: "leading one", In: []Arg{arg(5, 3, 4), arg(1, 3, 1)}},
		{Name: "scalar", In: []Arg{arg(5, 6), arg()}},
		{Name: "shared first", In: []Arg{shared(4, 1), batched(5, 4, 3)}},
		{Name: "gate", In: []Arg{arg(5, 3, 1, 1), batched(5, 3, 4, 3)}},
		{Name: "both broadcast", In: []Arg{arg(5, 1, 4), batched(5, 3, 1)}},
		{Name: "two images a sample", In: []Arg{arg(10, 4), arg(1, 4)}},
		{Name: "across samples", In: []Arg{arg(5, 3), arg(5, 1)}},
		{Name: "new leading axis", In: []Arg{arg(5, 3), arg(2, 1, 3)}},
		{Name: "no elements", In: []Arg{arg(5, 0, 3), arg(3)}},
		{Name: "weights only", In: []Arg{shared(3, 4), arg(4)}},
	}
	return append(cases, more...)
}

// integers says whether all operands are of integer types.
func (n *Node) integers() bool {
	for i := range n.In {
		if t := n.In[i].Type; t == onnx.Undefined || t.IsFloat() {
			return false
		}
	}
	return true
}

// floatOnly refuses integer operands beside others.
func (n *Node) floatOnly() error {
	for i := range n.In {
		if t := n.In[i].Type; n.In[i].Present() && t != onnx.Undefined && !t.IsFloat() {
			return fmt.Errorf("input %d is %s; the operands are to be of one type", i, t)
		}
	}
	return nil
}
