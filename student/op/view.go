// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// view is an operator whose output holds the elements of its first input in the
// same order under another shape. The output of a batched input stays batched
// wherever its first dimension can still be cut into the samples.
func view[T kernel.Float](n *Node, shape []int) *Kernel[T] {
	in := &n.In[0]
	batched := in.Batched && len(shape) > 0 && shape[0]%n.Batch == 0
	k := result[T](n, shape, batched)
	k.View = true
	k.Forward = []Phase[T]{func(f *Frame[T]) { copy(f.Out[0], f.In[0]) }}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] != nil {
			kernel.Add(f.DIn[0], f.DOut[0])
		}
	}}
	return k
}
