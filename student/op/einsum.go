// SPDX-License-Identifier: Apache-2.0

package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Einsum sums products of its operands' elements over the axes that an equation
// such as "bij,bjk->bik" gives labels to, and leaves out of the result. A label
// twice in one operand takes its diagonal; an ellipsis stands for axes that
// broadcast; without an arrow the result has the labels that occur once, in
// alphabetical order. The gradient of an operand is the same sum with the result in
// the operand's place.
//
// https://onnx.ai/onnx/operators/onnx__Einsum.html
// Since opset 12.
var _ = register(Op{
	Name: "Einsum", Since: 12,
	Bind32: bindEinsum[float32], Bind64: bindEinsum[float64],
	Cases: []Case{
		{Name: "matrices", Attrs: equation("bij,bjk->bik"), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{5, 4, 2}, Batched: true}}},
		{Name: "oldest opset", Opset: 12, Attrs: equation("bij,bjk->bik"), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{5, 4, 2}, Batched: true}}},
		{Name: "attention", Attrs: equation("bqhd, bkhd -> bhqk"), In: []Arg{{Shape: []int{5, 3, 2, 4}}, {Shape: []int{5, 6, 2, 4}, Batched: true}}},
		{Name: "weights on the right", Attrs: equation("bnd,de->bne"), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{4, 2}}}},
		{Name: "weights on the right, transposed", Attrs: equation("bd,ed->be"), In: []Arg{{Shape: []int{5, 4}}, {Shape: []int{3, 4}}}},
		{Name: "weights on the left", Attrs: equation("ed,bnd->bne"), In: []Arg{{Shape: []int{6, 4}, Shared: true}, {Shape: []int{5, 3, 4}, Batched: true}}},
		{Name: "heads of weights", Attrs: equation("bhd,hde->bhe"), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{3, 4, 2}}}},
		{Name: "two images a sample", Attrs: equation("bd,de->be"), In: []Arg{{Shape: []int{10, 4}}, {Shape: []int{4, 3}}}},
		{Name: "outer product", Attrs: equation("bi,bj->bji"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 4}, Batched: true}}},
		{Name: "elementwise", Attrs: equation("bij,bij->bij"), In: []Arg{{Shape: []int{5, 3, 4}}, {Shape: []int{5, 3, 4}, Batched: true}}},
		{Name: "all summed", Attrs: equation("bi,bi->"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 3}, Batched: true}}},
		{Name: "samples summed", Attrs: equation("bi,bj->ij"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{5, 4}, Batched: true}}},
		{Name: "batch last", Attrs: equation("bi,ij->jb"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3, 2}}}},
		{Name: "summed in one operand", Attrs: equation("bij,bk->bk"), In: []Arg{{Shape: []int{5, 3, 2}}, {Shape: []int{5, 4}, Batched: true}}},
		{Name: "ellipsis", Attrs: equation("...ij,...jk->...ik"), In: []Arg{{Shape: []int{5, 2, 3, 4}}, {Shape: []int{5, 2, 4, 2}, Batched: true}}},
		{Name: "ellipsis that broadcasts", Attrs: equation("b...i,...ij->b...j"), In: []Arg{{Shape: []int{5, 2, 3}}, {Shape: []int{1, 3, 4}}}},
		{Name: "no arrow", Attrs: equation("ba,ac"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3, 4}}}},
		{Name: "transpose", Attrs: equation("bij->bji"), In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "row sums", Attrs: equation("bij->bi"), In: []Arg{{Shape: []int{5, 3, 4}}}},
		{Name: "diagonal", Attrs: equation("bii->bi"), In: []Arg{{Shape: []int{5, 3, 3}}}},
		{Name: "trace beside weights", Attrs: equation("bii,j->bj"), In: []Arg{{Shape: []int{5, 3, 3}}, {Shape: []int{2}}}},
		{Name: "three operands", Attrs: equation("bi,ij,bj->b"), In: []Arg{{Shape: []int{5, 3}}, {Shape: []int{3, 4}}, {Shape: []int{5, 4}, Batched: true}}},
		{Name: "weights", Attrs: equation("ij,jk->ik"), In: []Arg{{Shape: []int{3, 4}, Shared: true}, {Shape: []int{4, 2}}}},
	},
})

// equation is the attribute equation.
func equation(s string) []onnx.Attr { return []onnx.Attr{onnx.String("equation", s)} }

func bindEinsum[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(max(len(n.In), 1), maxAxes, 1); err != nil {
		return nil, err
	}
	s, err := n.parseEinsum()
	if err != nil {
		return nil, err
	}
	shape := s.shape(s.out)
	if err := sized(shape); err != nil {
		return nil, err
	}
	batched := n.einsumBatched(s)
	k := result[T](n, shape, batched)
	for i := range n.In {
		k.ReadsIn = append(k.ReadsIn, i)
	}
	if len(s.in) == 2 {
		return k, bindEinsumProduct(n, k, s, batched)
	}
	return k, bindEinsumLoop(n, k, s, batched)
}

// label names an axis of an equation: a letter, or an axis of an ellipsis, the last
// being -1.
type label int

// subscripts are a parsed equation.
type subscripts struct {
	in   [][]label
	out  []label
	size map[label]int
}

func (s *subscripts) shape(labels []label) []int {
	shape := make([]int, len(labels))
	for i, l := range labels {
		shape[i] = s.size[l]
	}
	return shape
}

// parseEinsum reads the equation and checks it against the operands' shapes.
func (n *Node) parseEinsum() (*subscripts, error) {
	text := n.String("equation", "")
	left, right, arrow := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(n.In) {
		return nil, fmt.Errorf("equation %q has %d operands, the node %d", text, len(terms), len(n.In))
	}
	s := &subscripts{size: map[label]int{}}
	times := map[label]int{}
	ellipsis := 0
	for i, term := range terms {
		shape := n.In[i].Shape
		dots := len(shape) - len(strings.Replace(term, "...", "", 1))
		labels, err := labelsOf(term, dots)
		if err != nil || len(labels) != len(shape) {
			return nil, fmt.Errorf("%q of equation %q does not fit shape %v", term, text, shape)
		}
		for j, l := range labels {
			if have, ok := s.size[l]; !ok || have == 1 {
				s.size[l] = shape[j]
			} else if shape[j] != have && shape[j] != 1 {
				return nil, fmt.Errorf("equation %q gives one label to axes of %d and %d positions", text, have, shape[j])
			}
			times[l]++
			ellipsis = max(ellipsis, -int(l))
		}
		s.in = append(s.in, labels)
	}
	var err error
	if arrow {
		s.out, err = labelsOf(right, ellipsis)
	} else {
		for l, count := range times {
			if count == 1 || l < 0 {
				s.out = append(s.out, l)
			}
		}
		slices.Sort(s.out)
	}
	seen := map[label]bool{}
	for _, l := range s.out {
		if times[l] == 0 || seen[l] {
			err = errors.New("")
		}
		seen[l] = true
	}
	if err != nil {
		return nil, fmt.Errorf("equation %q has a result of labels that are unknown or repeated", text)
	}
	if len(times) > 2*maxAxes {
		return nil, fmt.Errorf("equation %q has more than %d labels", text, 2*maxAxes)
	}
	return s, nil
}

// labelsOf reads a term in which an ellipsis stands for so many axes.
func labelsOf(term string, dots int) ([]label, error) {
	before, after, found := strings.Cut(term, "...")
	var labels []label
	letters := func(s string) error {
		for _, r := range s {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
				return fmt.Errorf("%q is no label", r)
			}
			labels = append(labels, label(r))
		}
		return nil
	}
	if err := letters(before); err != nil {
		return nil, err
	}
	if found {
		for i := dots; i > 0; i-- {
			labels = append(labels, label(-i))
		}
	}
	return labels, letters(after)
}

// einsumBatched says whether the sum can be taken sample by sample: one label counts
// samples, as the first of the result and of every batched operand and nowhere else.
func (n *Node) einsumBatched(s *subscripts) bool {
	if len(s.out) == 0 || !n.anyBatched() || s.size[s.out[0]]%n.Batch != 0 {
		return false
	}
	first := s.out[0]
	for i, labels := range s.in {
		for j, l := range labels {
			is := l == first && n.In[i].Shape[j] == s.size[first]
			if is != (n.In[i].Batched && j == 0) {
				return false
			}
			if l == first && !is && n.In[i].Batched {
				return false
			}
		}
		if n.In[i].Batched && len(labels) == 0 {
			return false
		}
	}
	return true
}

// steps are the distances between neighbours along each label in operand i; zero
// where the operand does not have it or repeats its one position.
func (s *subscripts) steps(i int, shape []int) map[label]int {
	of := map[label]int{}
	for j, step := range strides(shape) {
		if shape[j] != 1 {
			of[s.in[i][j]] += step
		}
	}
	return of
}
