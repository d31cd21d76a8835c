// SPDX-License-Identifier: Apache-2.0

// Package engine compiles an ONNX graph into a plan that runs forward, or
// forward and backward, over a batch of a fixed size.
//
// # How a batch is walked
//
// A batch is split into shards, contiguous parts that goroutines, the threads, walk
// beside each other. Each shard walks its samples in slices small enough for
// the cache: all operators run on one slice, forward and backward, before the
// next slice is begun. Operators that couple samples (training-mode
// BatchNormalization, reductions over the batch) end a segment: all shards wait
// there. A tensor that lives within one segment needs memory for one slice only;
// others get memory for the whole batch, reused from segment to segment.
//
// # What decides the result
//
// Sums run in a fixed order, so the result depends on the graph, the inputs, the
// number of shards and the instruction set, and on nothing else: not on the
// number of processors, not on timing. The same number of shards gives the same
// bytes with any number of threads: whoever fixes Options.Shards, and leaves the
// threads to the machine, gets the same training on machines with few and with many
// processors of one kind.
package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/crew"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"github.com/kdcompress/kdcompress/student/op"
)

// Options bind a graph to a batch.
type Options struct {
	Batch  int // samples a run
	Shards int // parts of the batch that can run beside each other; 0 is 1
	// Threads walk the shards, each shard on one of them at a time. They decide how
	// fast a run is and nothing about its result. 0 is as many as there are shards or
	// processors, whichever are fewer.
	Threads int
	Opset   int // of the ai.onnx domain
	// Dims gives sizes to symbolic dimensions other than the first of an input.
	Dims map[string]int
	// Training selects batch statistics and dropout.
	Training bool
	// Losses are the outputs to differentiate: the objective is the sum over
	// them of the mean over their elements, one or several a sample. Empty means
	// forward only.
	Losses []string
	// Outputs are tensors to keep readable after a run, beside Losses. They may
	// be intermediates. Nil means the graph's own outputs where Losses is empty.
	Outputs []string
	// Seed of dropout and of whatever else draws at random.
	Seed uint64
	// SliceBytes bounds the working set of a slice; 0 is half a MiB.
	SliceBytes int
	// BF16 lets products with weights, and convolutions that are such, round their
	// operands to bfloat16 and add up in float32. Weights and everything else stay
	// float32. It saves time where FastBF16 says so.
	BF16 bool
}

// FastBF16 says whether the processor has AVX512_BF16, without which Options.BF16 saves
// no time.
func FastBF16() bool { return kernel.FastBF16 }

// tensor is a value of the graph while it is compiled.
type tensor[T kernel.Float] struct {
	name string
	op.Operand
	producer int // index into nodes, -1 for inputs and constants
	needed   bool
	onPath   bool  // the objective depends on it and a gradient is wanted
	weight   bool  // an initializer, or computed from such alone
	fixed    []T   // shared values that exist before any run: constants, weights
	grads    [][]T // shared tensors: one sum a shard
	value    buffer
	grad     buffer
	alias    *tensor[T] // whose memory this is too; nil: its own
	inner    *inner     // where the samples are, if not on the first axis
	asShared *tensor[T] // the same in the graph's order, once something wants it
}

// root is the tensor whose memory t has.
func (t *tensor[T]) root() *tensor[T] {
	if t.alias != nil {
		return t.alias
	}
	return t
}

// per is the number of elements a sample of a batched tensor.
func (t *tensor[T]) per(batch int) int { return t.Len() / batch }

// perSample says that an objective holds a block a sample, and not one number for all.
func (t *tensor[T]) perSample(batch int) bool {
	return t.Batched || t.Len() > 1 && t.Shape[0] == batch
}

// node is a bound node.
type node[T kernel.Float] struct {
	def     *onnx.Node
	kernel  *op.Kernel[T]
	in, out []*tensor[T]
	saved   buffer
	needed  bool
	back    bool // its Backward runs
	view    bool // its output is its input's memory: nothing runs
}

// Plan is a compiled graph. It is not safe for concurrent use.
type Plan[T kernel.Float] struct {
	opt      Options
	params   *Params[T]
	layout   *layout // nil where the graph is compiled as it is
	tensors  map[string]*tensor[T]
	nodes    []*node[T]
	segments []segment[T]
	bounds   []int // shard s holds samples bounds[s] to bounds[s+1]
	arena    []T   // values and gradients that outlive a segment
	local    [][]T // a slice's working set, one a shard
	scratch  [][]T
	sums     [][]T // gradients of the trainable weights, one a shard
	tables   []*table[T]
	tableOf  map[string]*table[T]
	dense    [][2]int        // the parts of the gradients that are no tables
	cleared  [][2]int        // the parts of dense that a run clears
	once     map[string]bool // weights whose gradient a node sets at the first slice
	run      uint64

	ctx     context.Context // of the run under way
	barrier *crew.Barrier
	done    *crew.Done
	next    []atomic.Int32 // shards begun, segment by segment
	stopped atomic.Bool
	stop    stop
}

// Compile binds the graph g to opt and plans its buffers. Weights and states are
// read from and written to params. Errors name the node and its operator.
func Compile[T kernel.Float](g *onnx.Graph, params *Params[T], opt Options) (*Plan[T], error) {
	if opt.Batch < 1 {
		return nil, fmt.Errorf("batch of %d samples", opt.Batch)
	}
	opt.Shards = min(max(opt.Shards, 1), opt.Batch)
	if opt.Threads < 1 {
		opt.Threads = runtime.GOMAXPROCS(0)
	}
	opt.Threads = min(opt.Threads, opt.Shards)
	if len(opt.Losses) == 0 && opt.Outputs == nil {
		for _, o := range g.Outputs {
			opt.Outputs = append(opt.Outputs, o.Name)
		}
	}
	if useChannelsLast[T]() {
		live := *g
		live.Nodes = opt.reachable(g)
		if l := channelsLast(&live, opt.Opset, slices.Concat(opt.Outputs, opt.Losses)); l != nil {
			// A graph the rewriting does not fit is compiled as it is.
			if p, err := compile(l.g, params, opt); err == nil {
				p.layout = l
				return p, nil
			}
		}
	}
	return compile(g, params, opt)
}

// compile is Compile for options that are complete.
func compile[T kernel.Float](g *onnx.Graph, params *Params[T], opt Options) (*Plan[T], error) {
	p := &Plan[T]{opt: opt, params: params, tensors: map[string]*tensor[T]{}}
	for s := 0; s <= opt.Shards; s++ {
		p.bounds = append(p.bounds, s*opt.Batch/opt.Shards)
	}
	if err := p.bindInputs(g); err != nil {
		return nil, err
	}
	for _, n := range opt.reachable(g) {
		if err := p.bindNode(n); err != nil {
			return nil, &onnx.Error{Node: n.Name, Op: n.OpType, Err: err}
		}
	}
	if fusing {
		p.fuseAttention()
	}
	if err := p.markNeeded(); err != nil {
		return nil, err
	}
	p.findTables()
	p.schedule()
	p.recompute()
	p.place()
	p.wire()
	p.barrier, p.done, p.next = crew.NewBarrier(opt.Threads), crew.NewDone(), make([]atomic.Int32, len(p.segments))
	return p, nil
}

// Batch is the number of samples a run.
func (p *Plan[T]) Batch() int { return p.opt.Batch }

// Bytes is the memory the plan holds beside the weights: buffers, scratch and
// gradient sums.
func (p *Plan[T]) Bytes() int64 {
	n := len(p.arena)
	for s := range p.local {
		n += len(p.local[s]) + len(p.scratch[s])
	}
	for _, s := range p.sums {
		n += len(s)
	}
	for _, t := range p.tensors {
		if t.fixed != nil && p.params.Values(t.name) == nil {
			n += len(t.fixed)
		}
	}
	var zero T
	if _, ok := any(zero).(float32); ok {
		return 4 * int64(n)
	}
	return 8 * int64(n)
}

// Input is the whole batch's buffer of a graph input, sample after sample. The
// caller fills it before a run; runs do not change it.
func (p *Plan[T]) Input(name string) []T { return p.whole(name) }

// Output is the whole batch's buffer of a kept tensor. It is valid until the
// next run.
func (p *Plan[T]) Output(name string) []T { return p.whole(name) }

// Shape is the whole batch's shape of a tensor of the graph, nil if there is none.
func (p *Plan[T]) Shape(name string) []int {
	t := p.tensors[name]
	switch {
	case t != nil && t.inner != nil:
		return t.inner.shape
	case t != nil:
		return t.Shape
	case p.layout != nil:
		return p.layout.shape(name, p.Shape)
	}
	return nil
}

// Constant is the value of a tensor that is the same whatever the samples are, nil
// if it is not known to be. Trainable weights have none.
func (p *Plan[T]) Constant(name string) *onnx.Tensor {
	if t := p.tensors[name]; t != nil {
		return t.Const
	}
	return nil
}

func (p *Plan[T]) whole(name string) []T {
	t := p.tensors[name]
	if t != nil {
		t = t.root()
	}
	switch {
	case t == nil:
		panic("engine: no such tensor: " + name)
	case t.fixed != nil:
		return t.fixed
	case t.value.class != global:
		panic("engine: tensor is not kept after a run: " + name)
	}
	return p.arena[t.value.off : t.value.off+t.Len()]
}

// Loss is the objective of the last run: over Losses, the sum of the means of
// their elements.
func (p *Plan[T]) Loss() float64 {
	var sum float64
	for _, name := range p.opt.Losses {
		t := p.tensors[name]
		var v float64
		for _, x := range p.whole(name) {
			v += float64(x)
		}
		if t.perSample(p.opt.Batch) {
			v /= float64(t.Len())
		}
		sum += v
	}
	return sum
}
