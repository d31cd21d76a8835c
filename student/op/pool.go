// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// pool is what the pooling operators share: planes of images X[N, C, spatial...]
// that a window slides over one by one.
type pool struct {
	w             *kernel.Window
	planes        count
	inLen, outLen int
	shape         []int // of the output
	batched       bool
}

// newPool reads a pooling operator's geometry.
func (n *Node) newPool() (*pool, error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	if len(x.Shape) < 3 {
		return nil, fmt.Errorf("input of shape %v has no spatial dimensions", x.Shape)
	}
	taps := n.Ints("kernel_shape", nil)
	if taps == nil {
		return nil, fmt.Errorf("attribute kernel_shape is missing")
	}
	w, err := n.window(x.Shape[2:], taps)
	if err != nil {
		return nil, err
	}
	return &pool{w: w, planes: n.count(x.Shape[0]*x.Shape[1], x.Batched), inLen: w.InLen(), outLen: w.OutLen(),
		shape: append([]int{x.Shape[0], x.Shape[1]}, w.Out...), batched: x.Batched}, nil
}

// newGlobalPool checks a global pooling operator: one window over all of a plane.
func (n *Node) newGlobalPool() (*pool, error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	if len(x.Shape) < 3 {
		return nil, fmt.Errorf("input of shape %v has no spatial dimensions", x.Shape)
	}
	p := &pool{planes: n.count(x.Shape[0]*x.Shape[1], x.Batched), inLen: Len(x.Shape[2:]), outLen: 1,
		shape: []int{x.Shape[0], x.Shape[1]}, batched: x.Batched}
	if p.inLen == 0 {
		return nil, fmt.Errorf("input of shape %v has empty planes", x.Shape)
	}
	for range x.Shape[2:] {
		p.shape = append(p.shape, 1)
	}
	return p, nil
}
