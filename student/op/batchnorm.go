// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// BatchNormalization scales every channel of X[N, C, spatial...] to a mean and a
// deviation that are learned:
//
//	Y = (X - mean) / √(var + epsilon) * scale + B
//
// In training (Node.Training) mean and var are those of the whole batch and all
// positions, the variance with divisor m, the number of values a channel has; and
// the running statistics, inputs 3 and 4, move to momentum * running +
// (1-momentum) * batch, where the batch's variance has divisor m-1, as PyTorch has
// it. The attribute training_mode of an exported file is not read. Elsewhere the
// running statistics serve as mean and var and stay as they are.
//
// https://onnx.ai/onnx/operators/onnx__BatchNormalization.html and
// https://arxiv.org/abs/1502.03167
// Opset 7 dropped is_test, 9 dropped spatial (only spatial = 1 is read), 14 brought
// training_mode and named the outputs mean and var running_mean and running_var;
// they are not computed. 15 only added types.
var _ = register(Op{
	Name: "BatchNormalization", Since: 7, State: []int{3, 4},
	Bind32: bindBatchNorm[float32], Bind64: bindBatchNorm[float64],
	Cases: batchNormCases(),
})

// batchNorm is a bound BatchNormalization.
type batchNorm struct {
	images    count
	channels  int
	plane     int // positions of a channel in an image
	values    int // m: of a channel in the whole batch
	epsilon   float64
	momentum  float64
	shards    []normShard
	wantsData bool
}

// normShard is what one shard knows: its own sums of two quantities a channel, forward
// and backward, and the statistics of the whole batch, which every shard derives for
// itself. The two directions have sums of their own because one segment can hold the
// phase that reads those of the forward pass and the one that begins the backward's:
// a shard may be at the second while another is at the first.
type normShard struct {
	sumA, sumB   []float64
	gradA, gradB []float64
	mean, rstd   []float64
}

func bindBatchNorm[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(5, 5, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	if len(x.Shape) < 2 {
		return nil, fmt.Errorf("input of shape %v has no channels", x.Shape)
	}
	channels := x.Shape[1]
	batched := x.Batched
	for i := 1; i < 5; i++ {
		if s := n.In[i].Shape; len(s) != 1 || s[0] != channels {
			return nil, fmt.Errorf("input %d has shape %v, but there are %d channels", i, s, channels)
		}
		batched = batched && !n.In[i].Batched
	}
	if n.Opset < 9 && n.Int("spatial", 1) != 1 {
		return nil, fmt.Errorf("spatial = 0 (statistics for every position) cannot be trained")
	}
	b := &batchNorm{images: n.count(x.Shape[0], batched), channels: channels, plane: Len(x.Shape[2:]),
		epsilon: float64(n.Float("epsilon", 1e-5)), momentum: float64(n.Float("momentum", 0.9)), wantsData: x.Grad}
	b.values = x.Shape[0] * b.plane
	k := result[T](n, x.Shape, batched)
	if !n.Training {
		k.ReadsIn = []int{1, 3, 4}
		if n.In[1].Grad {
			k.ReadsIn = []int{0, 1, 3, 4}
		}
		k.Scratch = 2 * channels
		k.Forward = []Phase[T]{func(f *Frame[T]) { frozenForward(b, f) }}
		k.Backward = []Phase[T]{func(f *Frame[T]) { frozenBackward(b, f) }}
		return k, nil
	}
	if b.values < 2 {
		return nil, fmt.Errorf("a channel has %d values in the batch; statistics need two or more", b.values)
	}
	b.shards = make([]normShard, max(n.Shards, 1))
	for i := range b.shards {
		part := func() []float64 { return make([]float64, channels) }
		b.shards[i] = normShard{part(), part(), part(), part(), part(), part()}
	}
	k.ReadsIn = []int{0, 1}
	k.OutPhase = 1
	k.DInPhase = []int{1, 0, 0, 0, 0}
	k.Forward = []Phase[T]{
		func(f *Frame[T]) { normSums(b, f) },
		func(f *Frame[T]) { normApply(b, f) },
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) { normGradSums(b, f) }}
	if b.wantsData {
		k.Backward = append(k.Backward, func(f *Frame[T]) { normGradData(b, f) })
	}
	return k, nil
}

// batchNormCases are the situations BatchNormalization is checked in.
func batchNormCases() []Case {
	in := func(shape ...int) []Arg {
		c := []int{shape[1]}
		return []Arg{{Shape: shape}, {Shape: c, Lo: 0.5, Hi: 1.5}, {Shape: c}, {Shape: c}, {Shape: c, Lo: 0.5, Hi: 2}}
	}
	weights := in(5, 3, 2)
	weights[0].Shared = true
	attrs := []onnx.Attr{onnx.Float("epsilon", 1e-3), onnx.Float("momentum", 0.8)}
	const why = "the runtime's inference build computes no batch statistics"
	return []Case{
		{Name: "frozen", In: in(5, 3, 4, 5)},
		{Name: "frozen, oldest opset", Opset: 7, In: in(5, 3, 4, 5)},
		{Name: "frozen, opset 9", Opset: 9, Attrs: attrs, In: in(5, 3, 7)},
		{Name: "frozen, no positions", In: in(5, 9)},
		{Name: "frozen, two images a sample", In: in(10, 3, 2, 2)},
		{Name: "frozen, weights", In: weights},
		{Name: "training", Training: true, In: in(5, 3, 4, 5), NoRuntime: why},
		{Name: "training, attributes", Training: true, Attrs: attrs, In: in(5, 3, 7), NoRuntime: why},
		{Name: "training, no positions", Training: true, In: in(5, 9), NoRuntime: why},
		{Name: "training, two images a sample", Training: true, In: in(10, 2, 3, 3), NoRuntime: why},
		{Name: "training, weights", Training: true, In: weights, NoRuntime: why},
	}
}
