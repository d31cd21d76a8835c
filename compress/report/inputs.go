// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// fixedBatch is the batch size that the model's first input with an axis
// declares, 0 where it leaves it open.
func fixedBatch(inputs []ort.Info) int {
	for _, in := range inputs {
		if in.Ranked && len(in.Dims) > 0 {
			return int(max(0, in.Dims[0]))
		}
	}
	return 0
}

// invent makes inputs to run a model on where no samples are at hand: normal
// numbers for floating-point inputs and zeros, which every table of embeddings
// has, for others. An open first axis becomes batch. dims holds for every input
// the dimensions of one sample without the batch axis; it is looked at only
// where another axis is open and may be nil where none is.
func invent(inputs []ort.Info, batch int, dims [][]int, seed uint64) ([]ort.Value, error) {
	rng := rand.New(rand.NewPCG(seed, 0x696e70757473))
	out := make([]ort.Value, len(inputs))
	for i, in := range inputs {
		shape, err := invented(in, batch, i, dims)
		if err != nil {
			return nil, err
		}
		n := 1
		for _, d := range shape {
			n *= int(d)
		}
		v := make([]float32, n)
		if in.Type.IsFloat() {
			for j := range v {
				v[j] = float32(rng.NormFloat64())
			}
		}
		if out[i], err = ort.FromFloat32(in.Type, shape, v); err != nil {
			return nil, fmt.Errorf("input %s: %w", quote(in.Name), err)
		}
	}
	return out, nil
}

func invented(in ort.Info, batch, i int, dims [][]int) ([]int64, error) {
	if in.Kind != ort.Tensor || in.Type == onnx.StringType {
		return nil, fmt.Errorf("input %s is not a tensor of numbers: no input can be made for it", quote(in.Name))
	}
	shape := slices.Clone(in.Dims)
	if len(shape) > 0 && shape[0] < 0 {
		shape[0] = int64(batch)
	}
	if in.Ranked && !slices.ContainsFunc(shape, func(d int64) bool { return d < 0 }) {
		return shape, nil
	}
	if i >= len(dims) {
		return nil, fmt.Errorf("input %s leaves its shape open: give samples, whose shape then serves", quote(in.Name))
	}
	shape = []int64{int64(batch)}
	for _, d := range dims[i] {
		shape = append(shape, int64(d))
	}
	return shape, nil
}

// fieldsFor says which field of the samples feeds each input of a model: the one
// that the first model's input of the same name takes, else the one in the same
// place.
func fieldsFor(inputs, first []ort.Info) ([]int, error) {
	if len(inputs) != len(first) {
		return nil, fmt.Errorf("it takes %d inputs, the teacher %d", len(inputs), len(first))
	}
	at := make(map[string]int, len(first))
	for i, f := range first {
		at[f.Name] = i
	}
	fields := make([]int, len(inputs))
	for i, in := range inputs {
		f, ok := at[in.Name]
		if !ok {
			f = i
		}
		fields[i] = f
	}
	return fields, nil
}
