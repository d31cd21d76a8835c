// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// block is a part of a graph that turns a tensor into another of the same shape:
// whatever reads to can read from instead.
type block struct {
	from, to string
	// kind tells blocks of one make: the operators in it.
	kind string
}

// layers are consecutive blocks of one make that belong together, such as the
// attention and the feed-forward of a transformer's layer.
type layers []block

func (l layers) from() string { return l[0].from }
func (l layers) to() string   { return l[len(l)-1].to }

// findLayers finds the layers of residual nets. A chain begins at a tensor and goes
// on through those of its shape that every path from it to the scores passes; two
// neighbours of the chain that the same operator computes, with a sum in between
// that the first enters, are the ends of a block. If the makes of the blocks repeat
// with a period, that many are a layer.
func findLayers(g *onnx.Graph, plan *engine.Plan[float32], scores []string) []layers {
	f := newFlow(g, plan, scores)
	var all []layers
	taken := map[string]bool{}
	for _, n := range f.nodes {
		for _, start := range n.Outputs {
			if start == "" || taken[start] || len(plan.Shape(start)) < 2 {
				continue
			}
			chain := f.chain(start, taken)
			all = append(all, group(f.blocks(chain))...)
		}
	}
	return all
}

// flow is a graph without the nodes that do not lead to the scores.
type flow struct {
	plan   *engine.Plan[float32]
	scores []string
	nodes  []*onnx.Node
	at     map[string]int // the node that computes a tensor
}

func newFlow(g *onnx.Graph, plan *engine.Plan[float32], scores []string) *flow {
	f := &flow{plan: plan, scores: scores, at: map[string]int{}}
	live := map[string]bool{}
	for _, name := range scores {
		live[name] = true
	}
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return live[o] }) {
			continue
		}
		for _, in := range n.Inputs {
			live[in] = true
		}
		f.nodes = append(f.nodes, n)
	}
	slices.Reverse(f.nodes)
	for i, n := range f.nodes {
		for _, o := range n.Outputs {
			f.at[o] = i
		}
	}
	return f
}

// chain is start and the tensors of its shape that all its ways to the scores pass,
// in order. The scores themselves are not part of it. What begins no other chain,
// because it depends on start, is marked as taken.
func (f *flow) chain(start string, taken map[string]bool) []string {
	chain := []string{start}
	shape := f.plan.Shape(start)
	// open counts the tensors that depend on start, are computed already and still
	// have readers: where only one is left, all ways pass through it.
	readers := map[string]int{}
	for _, n := range f.nodes {
		for _, in := range slices.Compact(slices.Sorted(slices.Values(n.Inputs))) {
			readers[in]++
		}
	}
	for _, name := range f.scores {
		readers[name]++
	}
	depends := map[string]bool{start: true}
	open := 1
	for _, n := range f.nodes[f.at[start]+1:] {
		reads := false
		for _, in := range slices.Compact(slices.Sorted(slices.Values(n.Inputs))) {
			if !depends[in] {
				continue
			}
			reads = true
			if readers[in]--; readers[in] == 0 {
				open--
			}
		}
		if !reads {
			continue
		}
		for _, o := range n.Outputs {
			if o != "" && readers[o] > 0 {
				depends[o] = true
				taken[o] = taken[o] || slices.Equal(f.plan.Shape(o), shape)
				open++
			}
		}
		if o := n.Outputs[0]; open == 1 && !slices.Contains(f.scores, o) && readers[o] > 0 && slices.Equal(f.plan.Shape(o), shape) {
			chain = append(chain, o)
		}
	}
	return chain
}

// blocks are the stretches of a chain between tensors of the same operator around a
// sum, or from a tensor of another operator to the sum that comes next.
func (f *flow) blocks(chain []string) []block {
	var list []block
	op := func(i int) string { return f.nodes[f.at[chain[i]]].OpType }
	for i := 0; i < len(chain); i++ {
		end, kind := 0, ""
		for j := i + 1; j < len(chain) && end == 0; j++ {
			if k, sum := f.between(chain[i], chain[j]); sum && op(i) == op(j) {
				end, kind = j, k
			}
		}
		if end == 0 && i+1 < len(chain) && op(i+1) == "Add" {
			if k, sum := f.between(chain[i], chain[i+1]); sum {
				end, kind = i+1, k
			}
		}
		if end > 0 {
			list = append(list, block{chain[i], chain[end], kind})
			i = end - 1
		}
	}
	return list
}

// between lists the operators on the ways from one tensor to another, and says
// whether a sum on them has the first as an operand beside something made of it.
func (f *flow) between(from, to string) (kind string, sum bool) {
	depends := map[string]bool{from: true}
	var ops []string
	for _, n := range f.nodes[f.at[from]+1 : f.at[to]+1] {
		if !slices.ContainsFunc(n.Inputs, func(in string) bool { return depends[in] }) {
			continue
		}
		for _, o := range n.Outputs {
			depends[o] = true
		}
		ops = append(ops, n.OpType)
		if n.OpType == "Add" && slices.Contains(n.Inputs, from) && depends[n.Inputs[0]] && depends[n.Inputs[1]] {
			sum = true
		}
	}
	return strings.Join(ops, " "), sum
}

// group puts blocks into layers: with the smallest period of at most four with
// which their makes repeat, one by one where there is none.
func group(list []block) []layers {
	period := 1
	for p := 1; p <= 4 && 2*p <= len(list); p++ {
		repeats := len(list)%p == 0
		for i := p; i < len(list); i++ {
			repeats = repeats && list[i].kind == list[i-p].kind && list[i].from == list[i-1].to
		}
		if repeats {
			period = p
			break
		}
	}
	var all []layers
	for i := 0; i+period <= len(list); i += period {
		all = append(all, layers(list[i:i+period]))
	}
	return all
}

// drop makes whatever reads the end of a layer read its beginning. Of layers in a
// row the last is dropped first.
func (l layers) drop(g *onnx.Graph) {
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			if in == l.to() {
				n.Inputs[i] = l.from()
			}
		}
	}
}
