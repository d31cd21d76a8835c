// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// index is position v of an axis of d positions; negative ones count from the end.
// Constant indices are checked when the node is bound. Computed ones come from the
// samples: there is no result for one outside the axis, and the run ends in a Fault.
func index[T kernel.Float](v T, d int) int {
	i := int(v)
	if i < 0 {
		i += d
	}
	if uint(i) >= uint(d) {
		noEntry(v, d)
	}
	return i
}

// noEntry ends the run for index v of an axis of d positions.
//
//go:noinline
func noEntry[T kernel.Float](v T, d int) {
	panic(&Fault{fmt.Sprintf("index %v is outside an axis of %d positions", v, d)})
}

// Fault is the panic of a phase that has no result for the samples it got. The engine
// makes it the error of the run, with the node's name.
type Fault struct{ What string }

// Error implements error.
func (f *Fault) Error() string { return f.What }

// checkIndices refuses constant indices of input i outside an axis. Dimension j of
// the last axis of the indices is a position on an axis of limits[j % len(limits)].
func (n *Node) checkIndices(i int, limits ...int) error {
	if n.In[i].Const == nil || len(limits) == 0 {
		return nil
	}
	list, err := onnx.Values[int64](n.In[i].Const)
	if err != nil {
		return err
	}
	for j, v := range list {
		if d := int64(limits[j%len(limits)]); v < -d || v >= d {
			return fmt.Errorf("index %d is outside an axis of %d positions", v, d)
		}
	}
	return nil
}

// strides are the distances between neighbours on every axis of a shape.
func strides(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = step
		step *= shape[i]
	}
	return s
}

// joined is the shape that the parts make one after the other; never nil.
func joined(parts ...[]int) []int {
	shape := []int{}
	for _, p := range parts {
		shape = append(shape, p...)
	}
	return shape
}
