// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// reshape opens the shape of a Reshape whose data depends on the inputs. Where
// the batch is the data's first dimension and the first entry of the shape, 0
// copies it, and the rest of the shape still means the same for each sample.
//
// Reshape: https://onnx.ai/onnx/operators/onnx__Reshape.html; the shape is an
// operand since opset 5, allowzero takes its meaning from 0 since 14.
func (f *flow) reshape(n *onnx.Node, data place) (place, error) {
	if f.opset < 5 {
		return 0, errBaked
	}
	shape, known := f.ints(n, 1)
	if !known || data == nowhere {
		return somewhere, nil
	}
	if len(shape) == 0 {
		return 0, errBaked
	}
	zeroCopies := n.Int("allowzero", 0) == 0
	open := shape[0] == -1 || (shape[0] == 0 && zeroCopies)
	if data == somewhere {
		sized := !slices.Contains(shape, -1) && !slices.Contains(shape, 0)
		if sized || (shape[0] == f.batch && !open) {
			return 0, errBaked
		}
		return somewhere, nil
	}
	if open {
		return first, nil
	}
	if shape[0] != f.batch || (!zeroCopies && slices.Contains(shape, 0)) {
		return 0, errBaked
	}
	shape[0] = 0
	if !zeroCopies {
		n.SetAttr(onnx.Int("allowzero", 0))
	}
	n.Inputs[1] = f.b.Int64(n.Inputs[1], []int64{int64(len(shape))}, shape)
	return first, nil
}
