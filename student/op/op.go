// SPDX-License-Identifier: Apache-2.0

// Package op says what each ONNX operator means to the training engine: the
// shape of its outputs, its forward computation and its gradient. One operator
// a file; the file registers it, and the suite in this package's tests finds
// and checks whatever is registered.
//
// An operator is bound to shapes once, when a graph is compiled, and then run
// many times. All tensors are held in one floating-point type T, integers and
// booleans too (integers are exact up to 2^24 in float32).
package op

import (
	"fmt"
	"sort"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Op is a registered operator.
type Op struct {
	Name   string
	Domain string // "" is ai.onnx
	// Since is the oldest opset version whose definition the file reads. Older
	// models are refused by name.
	Since int
	// Fixed lists inputs that parameterise the operator and are never trained,
	// such as the shape of Reshape or the bounds of Clip. Their values reach
	// Bind as Operand.Const.
	Fixed []int
	// State lists inputs that Forward updates in training, such as the running
	// statistics of BatchNormalization. They are kept with the weights and
	// receive no gradient.
	State []int
	// Stops says that the outputs are piecewise constant, like those of a comparison:
	// their gradient is zero wherever there is one, so none passes. Bind gives no
	// Backward, and what is trained before such a node is trained by other ways to
	// the objective alone.
	Stops bool
	// StraightThrough says that the operator rounds and that its Backward is the
	// gradient it would have without rounding. Its outputs carry a gradient although
	// they are integers.
	StraightThrough bool
	// Bind32 and Bind64 are the two instances of one generic function.
	Bind32 func(*Node) (*Kernel[float32], error)
	Bind64 func(*Node) (*Kernel[float64], error)
	// Cases are what the suite runs: gradients in float64 by random projection,
	// values in float32 against ONNX Runtime, slices against the whole batch.
	Cases []Case
}

// Node is a node of the graph at the moment its operands' shapes are known.
type Node struct {
	*onnx.Node
	Opset    int
	In       []Operand // as many as the node lists; see Operand.Present
	Batch    int       // samples in a whole batch
	Shards   int       // parts of the batch that run beside each other
	Training bool      // batch statistics, dropout
	Seed     uint64    // of whatever the operator draws at random
	BF16     bool      // products may round their operands to bfloat16
}

// Operand is an input or output of a bound node.
type Operand struct {
	// Shape is the whole batch's shape. Nil marks an omitted optional input; a
	// scalar has an empty, non-nil shape.
	Shape []int
	Type  onnx.DataType
	// Batched says that the tensor is Batch equal, contiguous blocks and that
	// block i depends on sample i alone. Other tensors (weights, constants,
	// whatever mixes samples) are shared: every shard sees all of them.
	Batched bool
	// Const is the value where it is known when the graph is compiled. Trainable
	// weights have none.
	Const *onnx.Tensor
	// Grad says that a gradient with respect to this input is wanted.
	Grad bool
}

// Present says whether the operand was given.
func (o *Operand) Present() bool { return o.Shape != nil }

// Len is the number of elements of the whole tensor.
func (o *Operand) Len() int { return Len(o.Shape) }

// Has says whether input i is listed and present.
func (n *Node) Has(i int) bool { return i < len(n.In) && n.In[i].Present() }

// Kernel is a bound node: what the engine runs.
//
// Unless Whole is set, the engine calls each phase with slices of the batch:
// batched operands hold Frame.N samples, shared ones hold everything. Slices of
// one shard come one after the other, shards run beside each other. Between two
// phases all shards wait for each other; a kernel with one phase that works
// sample by sample costs no waiting. Nothing else orders the shards: one can be in
// the first phase of Backward while another is in the last of Forward, so state that
// shards share must not be used by both.
type Kernel[T kernel.Float] struct {
	// Out describes the outputs. The engine fills Grad. An output with Const has that
	// value whatever the samples are; where all have one, the engine does not run the
	// kernel.
	Out []Operand
	// Forward computes Out from In.
	Forward []Phase[T]
	// Backward adds to every non-nil DIn the gradient that DOut gives it. An output
	// that is of no floating-point type (but see Op.StraightThrough), that an Op with
	// Stops computes or that the
	// objective does not depend on has none: its DOut is nil. Backward is nil where
	// the operator has no gradient; the engine then refuses to train through the
	// node, by name. DIn of a batched input and DOut are slices like
	// In and Out; DIn of a shared input is this shard's own sum.
	Backward []Phase[T]
	// ReadsIn and ReadsOut list the operands whose values Backward reads; other
	// buffers may be gone by then.
	ReadsIn, ReadsOut []int
	// Sets lists inputs whose gradient Backward can set as well as add to, as Frame.Fresh
	// tells it. Where nothing else has added to the gradient before, that saves clearing
	// it first. A shared one is set at the first slice of a shard and added to at others.
	Sets []int
	// Rows, where it is not zero, says that Backward adds to the gradient of input 0, cut
	// into rows of so many elements, in those rows alone that the values of input 1
	// name; negative ones count from the end.
	Rows int
	// View says that output 0 holds the elements of input 0 in their order: where both are
	// batched, or both shared, one memory serves for both and the phases are not run.
	View bool
	// OutPhase is the first phase of Forward that touches Out.
	OutPhase int
	// DInPhase says by input which one phase of Backward touches its DIn. Where it is
	// nil, any may.
	DInPhase []int
	// Again computes the first output once more, in the backward pass, from input 0 and
	// from what shards share, with the result that Forward had, and changes nothing else.
	// With it the engine need not keep an output from the one pass to the other whose
	// input 0 it keeps anyway. It is nil where that costs more than memory does.
	Again Phase[T]
	// Whole makes the engine run the kernel once, on the whole batch, on one
	// goroutine. It is the right choice for whatever mixes samples and is cheap.
	Whole bool
	// Saved is the number of elements a sample that Forward leaves for Backward
	// in Frame.Saved.
	Saved int
	// Scratch elements plus ScratchPer elements a sample of the slice are handed
	// to every phase in Frame.Scratch, with undefined content.
	Scratch, ScratchPer int
	// Together is how many samples a slice should hold at least, where the operator
	// is slow on fewer; 0 is any number.
	Together int
}

// Phase is a step of a kernel on a slice of the batch.
type Phase[T kernel.Float] func(f *Frame[T])

// Frame is what a phase sees: the buffers of one slice.
type Frame[T kernel.Float] struct {
	N     int    // samples in the slice
	At    int    // index of its first sample within the batch
	Shard int    // the shard it belongs to
	First bool   // it is the first slice of this shard in this run
	Last  bool   // it is the last slice of this shard in this run
	Run   uint64 // number of the run, for random draws
	// In and Out are the values, DIn and DOut the gradients, index by index.
	// Omitted inputs are nil; so are gradients nobody wants, and of batched operands
	// what the phase does not touch: in the backward pass values that ReadsIn and
	// ReadsOut do not list, before OutPhase the outputs, beside DInPhase the gradients.
	In, Out   [][]T
	DIn, DOut [][]T
	// Fresh says of the inputs in Kernel.Sets that DIn is undefined as yet: a phase
	// sets all of it where it would have added. It has an entry for every input and is
	// nil in the forward pass.
	Fresh   []bool
	Saved   []T
	Scratch []T
	// Ahead is memory that the shard needs for its next slice, for kernels whose loops can
	// ask for it while they calculate; nil where there is none.
	Ahead *kernel.Ahead[T]
}

// kept is what a phase that sets the gradient of an input multiplies its old value
// by: one, or zero where there is none.
func (f *Frame[T]) kept(input int) T {
	if f.Fresh[input] {
		return 0
	}
	return 1
}

// Case is a situation the suite checks an operator in.
type Case struct {
	Name     string
	Opset    int // 0 is the newest the suite knows
	Attrs    []onnx.Attr
	In       []Arg
	Outputs  int // 0 is one
	Training bool
	// ForwardOnly marks a case without a gradient.
	ForwardOnly bool
	// NoRuntime says why ONNX Runtime cannot be the judge of this case's values.
	NoRuntime string
}

// Arg describes how the suite makes an input: uniform in [Lo, Hi) from a fixed
// seed. The zero range is [-1, 1). A Case's first argument is batched unless it
// is Shared; the others are batched when they say so.
type Arg struct {
	Shape   []int
	Lo, Hi  float64
	Batched bool
	Shared  bool
	Omit    bool
	// Avoid keeps values at least Margin (0.05) away from these points, where
	// the operator has a kink.
	Avoid []float64
	// Distinct makes all values differ by more than the step of a central
	// difference, for operators that select.
	Distinct bool
	// Type makes the argument whole numbers, the values rounded down, of an integer
	// type or bool, without a gradient. The zero value is float32.
	Type onnx.DataType
	// Ints makes the argument a constant tensor, known when binding, of int64 or Type.
	Ints []int64
	// Floats makes the argument a constant float tensor, known when binding.
	Floats []float64
}

var registry = map[string]*Op{}

// register adds an operator under its domain and name. It is called from
// package-level variables of this package alone.
func register(o Op) *Op {
	key := o.Domain + ":" + o.Name
	if registry[key] != nil {
		panic("op: registered twice: " + key)
	}
	registry[key] = &o
	return &o
}

// Lookup returns the operator of a node, or an error that names what is missing.
func Lookup(domain, name string, opset int) (*Op, error) {
	if domain == "ai.onnx" {
		domain = ""
	}
	o := registry[domain+":"+name]
	if o == nil {
		if domain != "" {
			return nil, fmt.Errorf("operator %s of domain %s cannot be trained; `kdcompress inspect` lists what can", name, domain)
		}
		return nil, fmt.Errorf("operator %s (opset %d) cannot be trained; `kdcompress inspect` lists what can", name, opset)
	}
	if opset < o.Since {
		return nil, fmt.Errorf("operator %s is read from opset %d on, the model imports %d", name, o.Since, opset)
	}
	return o, nil
}

// All returns every registered operator, sorted by domain and name.
func All() []*Op {
	all := make([]*Op, 0, len(registry))
	for _, o := range registry {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Domain != all[j].Domain {
			return all[i].Domain < all[j].Domain
		}
		return all[i].Name < all[j].Name
	})
	return all
}

// Bind binds a node in the element type T.
func Bind[T kernel.Float](o *Op, n *Node) (*Kernel[T], error) {
	var zero T
	switch any(zero).(type) {
	case float32:
		k, err := o.Bind32(n)
		return any(k).(*Kernel[T]), err
	default:
		k, err := o.Bind64(n)
		return any(k).(*Kernel[T]), err
	}
}
