// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// CorrectBias moves out of every layer's bias the mean error that rounding makes
// in its output channels, layer by layer in graph order, so that each sees inputs
// that are corrected already. The plan's float model and s run on the samples, s
// once a layer: a few dozen samples suffice.
//
// M. Nagel et al., arXiv:1906.04721, section 4.2, in its empirical form.
func (s *Static) CorrectBias(ctx context.Context, p *Plan, f Feed) error {
	var names []string
	var layers []staticLayer
	for _, l := range s.layers {
		if l.bias != nil {
			names, layers = append(names, l.out), append(layers, l)
		}
	}
	if len(names) == 0 {
		return nil
	}
	tapped, err := rewrite.Tap(p.Model, names...)
	if err != nil {
		return err
	}
	file, err := tapped.Encode()
	if err != nil {
		return err
	}
	want, err := channelMeans(ctx, file, names, layers, f)
	if err != nil {
		return err
	}
	for i, l := range layers {
		out := l.node.Outputs[0]
		file, err := upTo(s.Model, out)
		if err != nil {
			return err
		}
		got, err := channelMeans(ctx, file, []string{out}, layers[i:i+1], f)
		if err != nil {
			return err
		}
		for c := range want[i] {
			if len(got[0]) != len(want[i]) || 4*len(want[i]) != len(l.bias.Data) {
				break
			}
			l.shift(c, want[i][c]-got[0][c])
		}
	}
	return nil
}

// upTo encodes the part of the model that computes a tensor, which is its output.
func upTo(m *onnx.Model, name string) ([]byte, error) {
	tapped, err := rewrite.Tap(m, name)
	if err != nil {
		return nil, err
	}
	tapped.Graph.Outputs = tapped.Graph.Outputs[len(tapped.Graph.Outputs)-1:]
	for _, v := range m.Graph.Outputs {
		if v.Name == name {
			tapped.Graph.Outputs[0] = v
		}
	}
	return rewrite.RemoveDead(tapped).Encode()
}

// biasStep is the step of a channel's bias.
func (l *staticLayer) biasStep(channel int) float64 {
	if len(l.steps) > 1 {
		return float64(l.steps[channel])
	}
	return float64(l.steps[0])
}

// biasOf is the bias of a channel.
func (l *staticLayer) biasOf(channel int) float64 {
	return float64(int32(binary.LittleEndian.Uint32(l.bias.Data[4*channel:]))) * l.biasStep(channel)
}

// shift adds a number to the bias of a channel.
func (l *staticLayer) shift(channel int, by float64) {
	at := l.bias.Data[4*channel:]
	b := float64(int32(binary.LittleEndian.Uint32(at))) + math.RoundToEven(by/l.biasStep(channel))
	binary.LittleEndian.PutUint32(at, uint32(int32(min(max(b, math.MinInt32), math.MaxInt32))))
}

// channelMeans are the mean values of the output channels of layers.
func channelMeans(ctx context.Context, file []byte, names []string, layers []staticLayer, f Feed) ([][]float64, error) {
	sums := make([]means, len(names))
	err := ort.Map(ctx, file, max(f.Workers, 1), 1, names, f.Batches, f.Fill, func(_ int, out []ort.Value) error {
		for i, v := range out {
			x, err := v.Float32s()
			if err != nil {
				return err
			}
			sums[i].add(x, v.Dims, layers[i].node.OpType != "Conv")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("correcting biases: %w", err)
	}
	all := make([][]float64, len(names))
	for i := range sums {
		all[i] = sums[i].mean()
	}
	return all, nil
}
