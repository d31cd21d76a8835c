// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"slices"
	"strconv"
)

// text says why an architecture that reads token ids cannot read these inputs:
// all are to be whole numbers of one length, and one at least looked up in a table.
func text(arch string, inputs []Input) error {
	tables := 0
	for _, in := range inputs {
		if len(in.Shape) != 1 || in.Type.IsFloat() || !slices.Equal(in.Shape, inputs[0].Shape) {
			return fmt.Errorf("a %s reads token ids, [length] of whole numbers; input %q is %v of %s", arch, in.Tensor, in.Shape, in.Type)
		}
		if in.Vocab > 0 {
			tables++
		}
	}
	if tables == 0 {
		return fmt.Errorf("a %s reads token ids, and the teacher looks none of its inputs up in a table of weights: the number of tokens is not known", arch)
	}
	return nil
}

// Tokens is the sum of the embeddings of all inputs that have a table, [N, L,
// width]. An input without one, such as an attention mask, says which places
// count: others get zeros, and mask is the product of all such, [N, L, 1], or "".
func (e *Emitter) Tokens(width int) (x, mask string) {
	for i, in := range e.Inputs {
		if in.Vocab > 0 {
			y := e.Embed("embedding"+strconv.Itoa(i+1), in, width)
			if x != "" {
				y = e.Op("Add", []string{x, y})
			}
			x = y
			continue
		}
		y := e.Reshaped(e.Float(in), 0, 0, 1)
		if mask != "" {
			y = e.Op("Mul", []string{mask, y})
		}
		mask = y
	}
	if mask != "" {
		x = e.Op("Mul", []string{x, mask})
	}
	return x, mask
}
