// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"container/heap"
	"errors"
)

// Sort puts the nodes into topological order. Of the nodes that may come next it
// takes the one that stood first, so a sorted graph stays as it is. Names that no
// node computes do not matter to it. A cycle is an *Error that names a node on or
// behind it; the graph is then left as it was.
func (g *Graph) Sort() error {
	producer := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		for _, o := range n.Outputs {
			if o != "" {
				producer[o] = i
			}
		}
	}
	waits := make([]int, len(g.Nodes))
	readers := make([][]int, len(g.Nodes))
	for i, n := range g.Nodes {
		for _, name := range n.Reads() {
			if p, ok := producer[name]; ok {
				waits[i]++
				readers[p] = append(readers[p], i)
			}
		}
	}
	var ready indexHeap
	for i, w := range waits {
		if w == 0 {
			ready = append(ready, i)
		}
	}
	sorted := make([]*Node, 0, len(g.Nodes))
	for len(ready) > 0 {
		i := heap.Pop(&ready).(int)
		sorted = append(sorted, g.Nodes[i])
		for _, r := range readers[i] {
			if waits[r]--; waits[r] == 0 {
				heap.Push(&ready, r)
			}
		}
	}
	if len(sorted) < len(g.Nodes) {
		for i, w := range waits {
			if w > 0 {
				n := g.Nodes[i]
				return atNode(n.Name, n.OpType, n.Outputs, errors.New("waits for its own output: the graph has a cycle"))
			}
		}
	}
	g.Nodes = sorted
	return nil
}

// indexHeap is a heap of node positions, lowest first.
type indexHeap []int

func (h indexHeap) Len() int           { return len(h) }
func (h indexHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h indexHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indexHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *indexHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
