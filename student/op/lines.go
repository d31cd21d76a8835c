// SPDX-License-Identifier: Apache-2.0

package op

// lines are the elements of a tensor along one axis: blocks one after the other, in
// each of them inner lines beside each other, whose size elements are inner apart.
type lines struct {
	blocks      count
	size, inner int
}

// newLines are the lines of a tensor along an axis. Where batched, a slice of the
// batch holds a part of the blocks.
func (n *Node) newLines(shape []int, axis int, batched bool) lines {
	return lines{n.count(Len(shape[:axis]), batched), shape[axis], Len(shape[axis+1:])}
}

// of is the number of lines in a slice of n samples.
func (l lines) of(n int) int { return l.blocks.of(n) * l.inner }

// start is where line i begins.
func (l lines) start(i int) int { return i/l.inner*l.size*l.inner + i%l.inner }
