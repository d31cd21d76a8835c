// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// count says how many of something (elements, rows, images) a slice of the
// batch holds: per for each sample and fixed whatever the slice is.
type count struct{ per, fixed int }

// of is the number in a slice of n samples.
func (c count) of(n int) int { return c.per*n + c.fixed }

// count spreads a total over the samples where batched, and else fixes it.
func (n *Node) count(total int, batched bool) count {
	if batched {
		return count{per: total / n.Batch}
	}
	return count{fixed: total}
}

// anyBatched says whether some input depends on the samples.
func (n *Node) anyBatched() bool {
	for i := range n.In {
		if n.In[i].Present() && n.In[i].Batched {
			return true
		}
	}
	return false
}

// aligned says whether the operand can be walked sample by sample along axis 0
// of a result of shape out: either it is cut along that axis, or it is shared
// and the same for all positions on it.
func (o *Operand) aligned(out []int) bool {
	if len(out) == 0 || !o.Present() {
		return !o.Batched
	}
	if o.Batched {
		return len(o.Shape) == len(out) && o.Shape[0] == out[0]
	}
	return len(o.Shape) < len(out) || o.Shape[0] == 1
}

// result is a kernel with one output. It works sample by sample where batched,
// and on the whole batch at once where not.
func result[T kernel.Float](n *Node, shape []int, batched bool) *Kernel[T] {
	return &Kernel[T]{
		Out:   []Operand{{Shape: shape, Type: n.In[0].Type, Batched: batched}},
		Whole: !batched,
	}
}

// arity checks that a node lists between least and most inputs, that the first
// least of them are given, and that no output beyond the first outs is named.
func (n *Node) arity(least, most, outs int) error {
	if len(n.In) < least || len(n.In) > most {
		if least == most {
			return fmt.Errorf("has %d inputs, wants %d", len(n.In), least)
		}
		return fmt.Errorf("has %d inputs, wants %d to %d", len(n.In), least, most)
	}
	for i := range least {
		if !n.In[i].Present() {
			return fmt.Errorf("input %d is omitted and has no default", i)
		}
	}
	for i := outs; i < len(n.Outputs); i++ {
		if n.Outputs[i] != "" {
			return fmt.Errorf("output %d (%q) cannot be computed in training; remove what reads it", i, n.Outputs[i])
		}
	}
	return nil
}
