// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// broadcast is the common shape of a and b under the rules of
// https://github.com/onnx/onnx/blob/main/docs/Broadcasting.md (numpy's).
func broadcast(a, b []int) ([]int, error) {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		x, y := dimFromEnd(a, len(out)-i), dimFromEnd(b, len(out)-i)
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, nil
}

// dimFromEnd is dimension i counted from the end, from 1 on; missing ones are 1.
func dimFromEnd(shape []int, i int) int {
	if i > len(shape) {
		return 1
	}
	return shape[len(shape)-i]
}

// maxAxes is how many axes a walk keeps after merging neighbours.
const maxAxes = 8

// walk goes over a tensor in row-major order, in runs along its last axis, beside
// two operands of which some axes may be broadcast. Axes that behave alike in
// both are merged, so that the runs are as long as they can be.
type walk struct {
	dims   []int // without the first
	sa, sb []int // steps of the operands along all axes, 0 where broadcast
	lead   count // positions on the first axis
}

// newWalk plans a walk over shape, to which a and b broadcast. Where batched, the
// first axis is the batch's and a slice holds a part of it.
func (n *Node) newWalk(shape, a, b []int, batched bool) (*walk, error) {
	var dims []int
	var inA, inB []bool
	for i, d := range shape {
		if d == 1 {
			continue
		}
		x, y := dimFromEnd(a, len(shape)-i) == d, dimFromEnd(b, len(shape)-i) == d
		if last := len(dims) - 1; last >= 0 && inA[last] == x && inB[last] == y {
			dims[last] *= d
			continue
		}
		dims, inA, inB = append(dims, d), append(inA, x), append(inB, y)
	}
	if len(dims) == 0 {
		dims, inA, inB = []int{1}, []bool{true}, []bool{true}
	}
	if len(dims) > maxAxes {
		return nil, fmt.Errorf("shapes %v and %v broadcast along more than %d groups of axes", a, b, maxAxes)
	}
	w := &walk{lead: n.count(dims[0], batched), dims: slices.Clone(dims[1:])}
	w.sa, w.sb = make([]int, len(dims)), make([]int, len(dims))
	na, nb := 1, 1
	for i := len(dims) - 1; i >= 0; i-- {
		if inA[i] {
			w.sa[i] = na
			na *= dims[i]
		}
		if inB[i] {
			w.sb[i] = nb
			nb *= dims[i]
		}
	}
	return w, nil
}

// run is a position of a walk: len elements at offset o of the tensor, beside lenA
// (len or 1) elements at offset a of the one operand and lenB at b of the other.
type run struct {
	o, a, b         int
	len, lenA, lenB int

	w     *walk
	at    [maxAxes]int
	lead  int
	begun bool
}

// start is the position before the first run of a slice of n samples.
func (w *walk) start(n int) run {
	r := run{w: w, lead: w.lead.of(n)}
	r.len = r.lead
	if k := len(w.dims); k > 0 {
		r.len = w.dims[k-1]
	}
	r.lenA, r.lenB = 1, 1
	if w.sa[len(w.dims)] != 0 {
		r.lenA = r.len
	}
	if w.sb[len(w.dims)] != 0 {
		r.lenB = r.len
	}
	return r
}

// next moves to the next run and says whether there is one.
func (r *run) next() bool {
	w := r.w
	if !r.begun {
		r.begun = true
		if r.lead == 0 {
			return false
		}
		for _, d := range w.dims {
			if d == 0 {
				return false
			}
		}
		return true
	}
	r.o += r.len
	for i := len(w.dims) - 1; i >= 0; i-- {
		size := r.lead
		if i > 0 {
			size = w.dims[i-1]
		}
		r.at[i]++
		r.a += w.sa[i]
		r.b += w.sb[i]
		if r.at[i] < size {
			return true
		}
		r.a -= w.sa[i] * size
		r.b -= w.sb[i] * size
		r.at[i] = 0
	}
	return false
}

// indexA is where element i of the run meets the first operand.
func (r *run) indexA(i int) int {
	if r.lenA != r.len {
		return r.a
	}
	return r.a + i
}

// indexB is where element i of the run meets the second operand.
func (r *run) indexB(i int) int {
	if r.lenB != r.len {
		return r.b
	}
	return r.b + i
}

// stride is how far a run moves with every element of x: none where it has length 1.
func stride[T kernel.Float](run, x []T) int {
	if len(run) == len(x) {
		return 1
	}
	return 0
}
