// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// scaling is how QuantizeLinear and DequantizeLinear find the scale and the zero
// point of an element: one for the tensor, one for a position on an axis, or one for
// a block of positions.
type scaling struct {
	outer    count // positions before the axis
	d, inner int   // positions on the axis, elements behind it
	axis     int   // scales along the axis; 1 for one scale
	block    int   // positions on the axis that share one
	blocked  bool  // scales for every element before and behind the axis
	batched  bool
}

// newScaling reads scale (input 1) and zero point (input 2) of input 0.
func (n *Node) newScaling() (*scaling, error) {
	if err := n.arity(2, 3, 1); err != nil {
		return nil, err
	}
	x, scale := &n.In[0], &n.In[1]
	// ONNX Runtime and its quantizer take a scalar for a vector of one number.
	if n.Has(2) && !slices.Equal(n.In[2].Shape, scale.Shape) && !(oneNumber(&n.In[2]) && oneNumber(scale)) {
		return nil, fmt.Errorf("zero point of shape %v for a scale of shape %v", n.In[2].Shape, scale.Shape)
	}
	single := !scale.Batched && !(n.Has(2) && n.In[2].Batched)
	s := &scaling{d: 1, inner: x.Len(), axis: 1, block: 1, outer: count{fixed: 1}}
	if oneNumber(scale) {
		s.batched = x.Batched && single
		if s.batched {
			s.inner /= n.Batch
			s.outer = count{per: 1}
		}
		return s, nil
	}
	if n.Opset < 13 {
		return nil, fmt.Errorf("scale of shape %v, wants one number", scale.Shape)
	}
	at, err := axis(n.Int("axis", 1), len(x.Shape))
	if err != nil {
		return nil, err
	}
	block := int(n.Int("block_size", 0))
	want := []int{x.Shape[at]}
	s.axis, s.d, s.inner = x.Shape[at], x.Shape[at], Len(x.Shape[at+1:])
	if block > 0 && n.Opset >= 21 {
		want = slices.Clone(x.Shape)
		want[at] = (s.d + block - 1) / block
		s.axis, s.block, s.blocked = want[at], block, true
	}
	if !slices.Equal(scale.Shape, want) {
		return nil, fmt.Errorf("scale of shape %v for axis %d of shape %v, wants %v", scale.Shape, at, x.Shape, want)
	}
	s.batched = x.Batched && single && at > 0 && !s.blocked
	s.outer = n.count(Len(x.Shape[:at]), s.batched)
	return s, nil
}

func oneNumber(o *Operand) bool { return o.Len() == 1 && len(o.Shape) <= 1 }

// each calls visit for every run of elements that share a scale: from at on, count of
// them, with the number of the scale.
func (s *scaling) each(n int, visit func(at, count, scale int)) {
	at := 0
	for o := range s.outer.of(n) {
		for j := range s.d {
			if !s.blocked {
				visit(at, s.inner, j)
				at += s.inner
				continue
			}
			for i := range s.inner {
				visit(at, 1, (o*s.axis+j/s.block)*s.inner+i)
				at++
			}
		}
	}
}

// integerRange is the least and the largest number of a type that numbers are
// quantised to.
func integerRange(t onnx.DataType) (lo, hi float64, err error) {
	switch t {
	case onnx.Uint8:
		return 0, math.MaxUint8, nil
	case onnx.Int8:
		return math.MinInt8, math.MaxInt8, nil
	case onnx.Uint16:
		return 0, math.MaxUint16, nil
	case onnx.Int16:
		return math.MinInt16, math.MaxInt16, nil
	}
	return 0, 0, fmt.Errorf("quantisation to %s cannot be computed in training", t)
}

// zeroPoint is the zero point with the number of a scale.
func zeroPoint[T kernel.Float](f *Frame[T], scale int) T {
	if z := operand(f.In, 2); z != nil {
		return z[scale]
	}
	return 0
}
