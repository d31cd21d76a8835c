// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Len is the product of a shape's dimensions; 1 for a scalar.
func Len(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// axis brings an ONNX axis, which may count from the end, into [0, rank).
func axis(a int64, rank int) (int, error) {
	if a < int64(-rank) || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d is outside a tensor of rank %d", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), nil
}

// axes brings a list of ONNX axes into [0, rank), sorted. A repeated axis is an
// error.
func axes(list []int64, rank int) ([]int, error) {
	out := make([]int, len(list))
	for i, a := range list {
		x, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	slices.Sort(out)
	for i := 1; i < len(out); i++ {
		if out[i] == out[i-1] {
			return nil, fmt.Errorf("axis %d is listed twice", out[i])
		}
	}
	return out, nil
}

// ints reads input i as the constant list of integers it has to be.
func (n *Node) ints(i int, what string) ([]int64, error) {
	if n.In[i].Const == nil {
		return nil, fmt.Errorf("input %d (%s) is computed; it has to be a constant", i, what)
	}
	return onnx.Values[int64](n.In[i].Const)
}

// scalar reads input i as the constant number it has to be, or gives def where
// the input is omitted.
func (n *Node) scalar(i int, what string, def float64) (float64, error) {
	if !n.Has(i) {
		return def, nil
	}
	if n.In[i].Const == nil {
		return 0, fmt.Errorf("input %d (%s) is computed; it has to be a constant", i, what)
	}
	v, err := onnx.Values[float64](n.In[i].Const)
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, fmt.Errorf("input %d (%s) holds %d numbers, wants one", i, what, len(v))
	}
	return v[0], nil
}
