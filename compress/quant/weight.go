// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"encoding/binary"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
)

// grid is a tensor of weights on its way to integers: value = scale * integer,
// with a scale a channel, or one for all.
type grid struct {
	v      []float32
	dims   []int64
	axis   int
	scales []float32
	most   float64
}

// newGrid chooses scales that hold the largest magnitude of each channel. One
// scale serves all channels where single is set.
func newGrid(v []float32, dims []int64, axis int, most float64, single bool) *grid {
	g := &grid{v: v, dims: dims, axis: axis, most: most, scales: make([]float32, dims[axis])}
	peak := make([]float64, len(g.scales))
	for i, x := range v {
		c := g.channel(i)
		peak[c] = max(peak[c], math.Abs(float64(x)))
	}
	if single {
		var all float64
		for _, p := range peak {
			all = max(all, p)
		}
		g.scales, peak = g.scales[:1], []float64{all}
	}
	for c, p := range peak {
		g.scales[c] = float32(p / most)
		if g.scales[c] < 1e-20 {
			g.scales[c] = 1 // nothing but zeros, as far as float32 arithmetic can tell
		}
	}
	return g
}

// channel is the channel of element i along the axis.
func (g *grid) channel(i int) int {
	inner := 1
	for _, d := range g.dims[g.axis+1:] {
		inner *= int(d)
	}
	return i / inner % int(g.dims[g.axis])
}

// scale is that of a channel.
func (g *grid) scale(channel int) float32 {
	if len(g.scales) == 1 {
		return g.scales[0]
	}
	return g.scales[channel]
}

// atLeast raises the scale of a channel where it is below s.
func (g *grid) atLeast(channel int, s float32) {
	if len(g.scales) == 1 {
		channel = 0
	}
	g.scales[channel] = max(g.scales[channel], s)
}

// integers rounds the weights.
func (g *grid) integers() []int8 {
	out := make([]int8, len(g.v))
	for i, x := range g.v {
		q := math.RoundToEven(float64(x) / float64(g.scale(g.channel(i))))
		out[i] = int8(min(max(q, -g.most), g.most))
	}
	return out
}

func int8Tensor(name string, dims []int64, v []int8) *onnx.Tensor {
	t := &onnx.Tensor{Name: name, Type: onnx.Int8, Dims: dims, Data: make([]byte, len(v))}
	for i, x := range v {
		t.Data[i] = byte(x)
	}
	return t
}

func int32Tensor(name string, dims []int64, v []int32) *onnx.Tensor {
	t := &onnx.Tensor{Name: name, Type: onnx.Int32, Dims: dims, Data: make([]byte, 4*len(v))}
	for i, x := range v {
		binary.LittleEndian.PutUint32(t.Data[4*i:], uint32(x))
	}
	return t
}
