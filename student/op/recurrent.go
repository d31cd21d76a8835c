// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// recurrent is a bound LSTM, GRU or RNN. With layout 0, X is [steps, N, inputs] and
// Y [steps, directions, N, hidden]: the samples are not blocks of such tensors, so
// the kernel sees the whole batch. With layout 1, X is [N, steps, inputs], Y is [N,
// steps, directions, hidden] and slices of the batch run by themselves.
//
// The rows of X are multiplied by W in one product for all steps. R is turned once a
// slice, so that the product of a step reads it where it lies. Forward keeps a row
// of slots times hidden elements for every row of X and direction: the gates, and what
// else the cell's gradient needs. Backward turns the gates into their gradients in
// place.
type recurrent[T kernel.Float] struct {
	cell         cell[T]
	steps, dirs  int
	inputs       int
	hidden       int
	gates, slots int
	recurrentB   int // gates whose recurrent bias adds to the input's
	seqs         count
	byStep       bool // layout 0
	reverse      [2]bool
	initialC     int               // input that holds the initial cells, 0 where the operator has none
	product      kernel.Product[T] // of the inputs
}

// cell is what one step of one direction does. Both work on n sequences.
type cell[T kernel.Float] interface {
	// forward completes the gates, which hold the input's product and the bias, and
	// writes the hidden state.
	forward(m moment[T])
	// backward takes the gradient dh of the hidden state, leaves in it that of the
	// state before, and turns the gates into their gradients; the same with the
	// cell's state dc. rest is room for n times hidden elements.
	backward(m moment[T], dh, dc, rest []T)
	// weights adds to the gradient of R of one direction, given the states before
	// every step, a row of hidden elements each.
	weights(dr, before []T, rows int, saved []T, ld int)
}

// moment is a step of one direction: rows of n sequences, a leading dimension apart.
type moment[T kernel.Float] struct {
	n, hidden int
	r         []T // recurrent weights of the direction, gate after gate
	turned    []T // the same transposed, a row for each hidden unit; in forward alone
	ldt       int // of turned
	biasR     []T // recurrent bias of the direction, nil if there is none
	saved     []T // of the step: gates, then the other slots
	prior     []T // the same of the step before; nil at the first
	ld        int // of saved and prior
	h         []T
	ldh       int
	before    []T // hidden state before; nil where it is zero
	ldb       int
	c0        []T // initial state of the cell; nil where it is zero or not wanted
	ldc       int
}

// bindRecurrent reads what the three operators share and binds a kernel. r holds the
// operator's cell and its numbers; inputs is how many inputs the operator has and
// outs how many outputs.
func bindRecurrent[T kernel.Float](n *Node, r *recurrent[T], inputs, outs int) (*Kernel[T], error) {
	if err := n.arity(3, inputs, outs); err != nil {
		return nil, err
	}
	x, w, rec := &n.In[0], &n.In[1], &n.In[2]
	if len(x.Shape) != 3 || len(w.Shape) != 3 || len(rec.Shape) != 3 {
		return nil, fmt.Errorf("inputs X, W and R have shapes %v, %v and %v, wants three dimensions each", x.Shape, w.Shape, rec.Shape)
	}
	r.product = kernel.ProductOf[T](n.BF16)
	r.byStep = n.Int("layout", 0) == 0
	r.dirs, r.hidden, r.inputs = w.Shape[0], rec.Shape[2], w.Shape[2]
	r.steps = x.Shape[1]
	sequences := x.Shape[0]
	if r.byStep {
		r.steps, sequences = sequences, r.steps
	}
	if err := n.recurrentForm(r.dirs, r.hidden, r.reverse[:]); err != nil {
		return nil, err
	}
	if r.steps < 1 || sequences < 1 {
		return nil, fmt.Errorf("input X of shape %v has no elements", x.Shape)
	}
	if x.Shape[2] != r.inputs || w.Shape[1] != r.gates*r.hidden || rec.Shape[0] != r.dirs || rec.Shape[1] != r.gates*r.hidden {
		return nil, fmt.Errorf("inputs X, W and R of shapes %v, %v and %v do not fit each other", x.Shape, w.Shape, rec.Shape)
	}
	state := []int{sequences, r.dirs, r.hidden}
	out := []int{sequences, r.steps, r.dirs, r.hidden}
	if r.byStep {
		state, out = []int{r.dirs, sequences, r.hidden}, []int{r.steps, r.dirs, sequences, r.hidden}
	}
	for i, want := range map[int][]int{3: {r.dirs, 2 * r.gates * r.hidden}, 5: state, r.initialC: state} {
		if i > 0 && n.Has(i) && fmt.Sprint(n.In[i].Shape) != fmt.Sprint(want) {
			return nil, fmt.Errorf("input %d has shape %v, wants %v", i, n.In[i].Shape, want)
		}
	}
	if n.Has(4) {
		lengths, err := n.ints(4, "sequence_lens")
		if err != nil {
			return nil, err
		}
		for _, l := range lengths {
			if l != int64(r.steps) {
				return nil, fmt.Errorf("sequence_lens %v: sequences shorter than the %d steps of X cannot be trained", lengths, r.steps)
			}
		}
	}
	if n.Has(7) {
		return nil, fmt.Errorf("peepholes (input 7) cannot be trained")
	}
	batched := !r.byStep && x.Batched
	for i := 1; i < len(n.In); i++ {
		if n.Has(i) && i != 4 {
			batched = batched && n.In[i].Batched == (i == 5 || i == r.initialC)
		}
	}
	r.seqs = n.count(sequences, batched)
	k := &Kernel[T]{Whole: !batched, Saved: (sequences*r.steps*r.dirs*r.slots*r.hidden + n.Batch - 1) / n.Batch}
	for i := range min(outs, max(len(n.Outputs), 1)) {
		shape := state
		if i == 0 {
			shape = out
		}
		k.Out = append(k.Out, Operand{Shape: shape, Type: x.Type, Batched: batched})
	}
	for i := range n.In {
		if n.Has(i) && i != 3 && i != 4 {
			k.ReadsIn = append(k.ReadsIn, i)
		}
	}
	k.ReadsOut = []int{0}
	scratch := n.count(sequences*(3+r.steps)*r.hidden, batched)
	k.Scratch, k.ScratchPer = scratch.fixed+r.fixed(), scratch.per
	k.Together = 32
	k.Forward = []Phase[T]{r.forward}
	k.Backward = []Phase[T]{r.backward}
	return k, nil
}

// padded is the distance of the rows of the turned R: rows 2^n elements apart would
// drive each other from the innermost cache.
func (r *recurrent[T]) padded() int { return (r.gates*r.hidden+15)/16*16 + 16 }

// fixed is the scratch space that does not depend on the samples: the turned R and the
// gates' biases.
func (r *recurrent[T]) fixed() int { return r.hidden*r.padded() + (r.gates+1)*r.hidden }

// recurrentForm reads the attributes that say how a recurrent operator runs.
func (n *Node) recurrentForm(dirs, hidden int, reverse []bool) error {
	want := 1
	switch d := n.String("direction", "forward"); d {
	case "forward":
	case "reverse":
		reverse[0] = true
	case "bidirectional":
		reverse[1], want = true, 2
	default:
		return fmt.Errorf("direction is %q, wants forward, reverse or bidirectional", d)
	}
	if dirs != want {
		return fmt.Errorf("input W has %d directions, the attribute direction %d", dirs, want)
	}
	if h := n.Int("hidden_size", int64(hidden)); h != int64(hidden) || hidden < 1 {
		return fmt.Errorf("hidden_size is %d, R has %d", h, hidden)
	}
	for _, name := range []string{"clip", "activation_alpha", "activation_beta"} {
		if n.Attr(name) != nil {
			return fmt.Errorf("attribute %s cannot be trained", name)
		}
	}
	if n.Int("input_forget", 0) != 0 {
		return fmt.Errorf("attribute input_forget cannot be trained")
	}
	return nil
}

// activations checks the attribute of that name against the one list that can be
// trained, which every direction has.
func (n *Node) activations(want ...string) error {
	a := n.Attr("activations")
	if a == nil || a.Kind != onnx.AttrStrings {
		return nil
	}
	for i, s := range a.Strings {
		if !strings.EqualFold(string(s), want[i%len(want)]) {
			return fmt.Errorf("activations %s; %s can be trained", a.Strings, strings.Join(want, ", "))
		}
	}
	return nil
}
