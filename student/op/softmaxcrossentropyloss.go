// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// SoftmaxCrossEntropyLoss is NegativeLogLikelihoodLoss of the LogSoftmax of scores [N, C,
// ...] over the classes. The second output is that LogSoftmax.
//
// https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
// Since opset 12; others only added types.
var _ = register(Op{
	Name: "SoftmaxCrossEntropyLoss", Since: 12, Fixed: []int{1, 2},
	Bind32: bindSoftmaxCrossEntropyLoss[float32], Bind64: bindSoftmaxCrossEntropyLoss[float64],
	Cases: append(classLossCases(12), Case{Name: "with logarithms", Outputs: 2, In: classLossCases(12)[2].In, Attrs: classLossCases(12)[2].Attrs}),
})

func bindSoftmaxCrossEntropyLoss[T kernel.Float](n *Node) (*Kernel[T], error) {
	l, k, err := newClassLoss[T](n, 2)
	if err != nil {
		return nil, err
	}
	x := &n.In[0]
	k.Out[0].Type = x.Type
	// One number for all and logarithms for each sample cannot both be batched: those
	// are shared where the loss is.
	named := len(n.Outputs) > 1 && n.Outputs[1] != ""
	k.ReadsIn = []int{1, 2}[:len(n.In)-1]
	if named {
		k.Out = append(k.Out, Operand{Shape: x.Shape, Type: x.Type, Batched: k.Out[0].Batched})
		k.ReadsOut = []int{1}
	} else {
		k.Saved = (x.Len() + n.Batch - 1) / n.Batch
	}
	logsOf := func(f *Frame[T]) []T {
		if named {
			return f.Out[1]
		}
		return f.Saved
	}
	size := l.classes * l.places
	k.Scratch, k.ScratchPer = l.samples.fixed*size, l.samples.per*size
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		logs := logsOf(f)
		for s := range l.samples.of(f.N) {
			l.logSoftmax(logs[s*size:][:size], f.In[0][s*size:])
		}
		l.forward(f, logs)
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		dx := f.DIn[0]
		if dx == nil {
			return
		}
		samples := l.samples.of(f.N)
		dlogs, logs := f.Scratch[:samples*size], logsOf(f)
		clear(dlogs)
		if f.DOut[0] != nil {
			l.backward(f, dlogs)
		}
		if named && f.DOut[1] != nil {
			kernel.Add(dlogs, f.DOut[1])
		}
		for at := 0; at < len(dlogs); at += size {
			for i := range l.places {
				var sum T
				for c := i; c < size; c += l.places {
					sum += dlogs[at+c]
				}
				for c := at + i; c < at+size; c += l.places {
					dx[c] += dlogs[c] - T(math.Exp(float64(logs[c])))*sum
				}
			}
		}
	}}
	return k, nil
}

// logSoftmax is that over the classes of one sample.
func (l *classLoss[T]) logSoftmax(y, x []T) {
	for i := range l.places {
		top := x[i]
		for c := i; c < len(y); c += l.places {
			top = max(top, x[c])
		}
		var sum float64
		for c := i; c < len(y); c += l.places {
			sum += math.Exp(float64(x[c] - top))
		}
		shift := top + T(math.Log(sum))
		for c := i; c < len(y); c += l.places {
			y[c] = x[c] - shift
		}
	}
}
