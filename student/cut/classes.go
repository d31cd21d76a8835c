// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// axis is a dimension of a tensor of the graph.
type axis struct {
	tensor string
	dim    int
}

// classes says which positions of which axes can only be removed together. Every
// position of an axis is an atom; atoms in one class go together, those of frozen
// classes stay.
type classes struct {
	g     *onnx.Graph
	opset int64
	plan  *engine.Plan[float32]
	lists map[axis][]int
	// parent and frozen are a union-find over atoms; frozen holds for roots.
	parent []int
	frozen []bool
	// contracted are the axes of weights that a product sums over.
	contracted []axis
	merges     []merge
	weights    map[string]*onnx.Tensor
}

// newClasses follows every node that the scores depend on; the rest of the graph
// freezes what it reads.
func newClasses(m *onnx.Model, plan *engine.Plan[float32], scores []string) *classes {
	c := &classes{g: m.Graph, opset: m.Opset(""), plan: plan, lists: map[axis][]int{}, weights: map[string]*onnx.Tensor{}}
	for _, t := range m.Graph.Initializers {
		c.weights[t.Name] = t
	}
	for _, v := range m.Graph.Inputs {
		c.freezeAll(v.Name)
	}
	for _, v := range m.Graph.Outputs {
		c.freezeAll(v.Name)
	}
	for _, name := range scores {
		c.freezeAll(name)
	}
	for _, n := range m.Graph.Nodes {
		c.node(n)
	}
	for _, x := range c.merges {
		c.merge(x)
	}
	return c
}

func (c *classes) node(n *onnx.Node) {
	known := true
	for _, o := range n.Outputs {
		known = known && (o == "" || c.plan.Constant(o) != nil)
	}
	r, ok := rules[n.OpType]
	switch {
	case known && n.OpType == "Shape":
		c.shapeOf(n)
	case known:
		// Its values are the same for every sample; what it makes of weights is not followed.
		c.freezeNode(n)
	case !ok || n.Domain != "" && n.Domain != "ai.onnx" || !c.bound(n):
		c.freezeNode(n)
	default:
		r.relate(c, n)
	}
}

// bound says whether all shapes of a node are known.
func (c *classes) bound(n *onnx.Node) bool {
	for _, list := range [][]string{n.Inputs, n.Outputs[:1]} {
		for _, name := range list {
			if name != "" && c.shape(name) == nil {
				return false
			}
		}
	}
	return true
}

// shape is the shape of a tensor for the probe's batch, nil if it is not known.
func (c *classes) shape(name string) []int { return c.plan.Shape(name) }

// at is the atoms of an axis, made where there are none. A single position stays.
func (c *classes) at(name string, dim int) []int {
	a := axis{name, dim}
	if l, ok := c.lists[a]; ok {
		return l
	}
	n := c.shape(name)[dim]
	l := make([]int, n)
	for i := range l {
		l[i] = len(c.parent)
		c.parent = append(c.parent, l[i])
		c.frozen = append(c.frozen, n == 1)
	}
	c.lists[a] = l
	return l
}

// root is the class of an atom.
func (c *classes) root(i int) int {
	for c.parent[i] != i {
		c.parent[i] = c.parent[c.parent[i]]
		i = c.parent[i]
	}
	return i
}

// join puts two atoms into one class, whose root is the smaller.
func (c *classes) join(i, j int) {
	i, j = c.root(i), c.root(j)
	if i == j {
		return
	}
	i, j = min(i, j), max(i, j)
	c.parent[j] = i
	c.frozen[i] = c.frozen[i] || c.frozen[j]
}

// same makes two axes of one size the same, position by position; of different
// sizes, both stay as they are.
func (c *classes) same(a string, i int, b string, j int) {
	x, y := c.at(a, i), c.at(b, j)
	if len(x) != len(y) {
		c.freeze(a, i)
		c.freeze(b, j)
		return
	}
	for k := range x {
		c.join(x[k], y[k])
	}
}

// freeze makes an axis stay as it is.
func (c *classes) freeze(name string, dim int) {
	for _, i := range c.at(name, dim) {
		c.frozen[c.root(i)] = true
	}
}

// freezeAll makes a tensor stay as it is.
func (c *classes) freezeAll(name string) {
	for d := range c.shape(name) {
		c.freeze(name, d)
	}
}

func (c *classes) freezeNode(n *onnx.Node) {
	for _, name := range n.Reads() {
		c.freezeAll(name)
	}
	for _, name := range n.Outputs {
		c.freezeAll(name)
	}
}

// free says whether an axis has a position that may go.
func (c *classes) free(name string, dim int) bool {
	return slices.ContainsFunc(c.at(name, dim), func(i int) bool { return !c.frozen[c.root(i)] })
}

// axes lists the axes that have atoms, in a fixed order.
func (c *classes) axes() []axis {
	list := make([]axis, 0, len(c.lists))
	for a := range c.lists {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b axis) int {
		return cmp.Or(strings.Compare(a.tensor, b.tensor), cmp.Compare(a.dim, b.dim))
	})
	return list
}

// cohort is a set of classes that occur in the same axes: the channels of a layer,
// of a residual stream, the heads of an attention.
type cohort struct {
	roots []int
	// unit is what their number should be a multiple of.
	unit int
	// where names a weight they are part of.
	where string
}

// cohorts groups the classes that may go.
func (c *classes) cohorts() []cohort {
	type occurrence struct {
		sig    strings.Builder
		weight string
		least  int // positions in one axis of a weight
	}
	seen := map[int]*occurrence{}
	var roots []int
	for i, a := range c.axes() {
		count := map[int]int{}
		var here []int
		for _, x := range c.lists[a] {
			r := c.root(x)
			if c.frozen[r] {
				continue
			}
			if count[r] == 0 {
				here = append(here, r)
			}
			count[r]++
		}
		for _, r := range here {
			o := seen[r]
			if o == nil {
				o = &occurrence{}
				seen[r] = o
				roots = append(roots, r)
			}
			fmt.Fprintf(&o.sig, "%d*%d,", i, count[r])
			if c.weights[a.tensor] != nil {
				if o.weight == "" {
					o.weight = a.tensor
				}
				if o.least == 0 || count[r] < o.least {
					o.least = count[r]
				}
			}
		}
	}
	slices.Sort(roots)
	var list []cohort
	at := map[string]int{}
	for _, r := range roots {
		o := seen[r]
		if o.weight == "" {
			continue // no weight has it: an axis of the data
		}
		key := o.sig.String()
		i, ok := at[key]
		if !ok {
			i = len(list)
			at[key] = i
			list = append(list, cohort{where: o.weight, unit: o.least})
		}
		list[i].roots = append(list[i].roots, r)
	}
	for i := range list {
		list[i].unit = roundTo(len(list[i].roots), list[i].unit)
	}
	return list
}

// roundTo is what the number of classes that remain of n should be a multiple of,
// where each has some positions in a weight: vector units want channels in eights.
func roundTo(n, positions int) int {
	switch {
	case positions%8 == 0 || n < 8:
		return 1
	case n < 16:
		return 4
	}
	return 8
}
