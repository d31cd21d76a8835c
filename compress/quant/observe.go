// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Feed are samples to run a model on, a batch at a time.
type Feed struct {
	Batches int
	// Fill makes the inputs of a batch, in the order the model declares them. It is
	// called from several goroutines.
	Fill    func(batch int) ([]ort.Value, error)
	Workers int // batches under way at a time; 1 if zero
}

// Observation is what was seen of the tensors of a plan. Its size does not depend
// on the number of samples.
type Observation struct {
	Tensors map[string]*Histogram
	// Means are the mean values of the channels that a layer reads: of axis 1 for
	// Conv, of the last axis else.
	Means map[string][]float64
	// Peaks are the largest magnitudes of the same channels.
	Peaks map[string][]float64
	// roots are the tensors whose scale each one shares.
	roots map[string]string
	// Bad counts values that are not finite; they are left out.
	Bad int64
}

// Observe runs the samples through the model and gathers the values of every
// tensor that decides a scale.
func (p *Plan) Observe(ctx context.Context, f Feed) (*Observation, error) {
	scaled := p.Observed()
	names := slices.Clone(scaled)
	for _, n := range p.Model.Graph.Nodes {
		// Channels are looked at where a layer reads them.
		if r := p.rule[n]; r != nil && r.Role == product && !slices.Contains(names, n.Inputs[0]) {
			names = append(names, n.Inputs[0])
		}
	}
	model, names, inputs, err := observable(p.Model, names)
	if err != nil {
		return nil, err
	}
	o := &Observation{Tensors: map[string]*Histogram{}, Means: map[string][]float64{}, Peaks: map[string][]float64{}, roots: map[string]string{}}
	for name, a := range p.tensors {
		o.roots[name] = a.root
	}
	for _, name := range scaled {
		o.Tensors[name] = &Histogram{}
	}
	last := map[string]bool{} // layers read the last axis
	sums := map[string]*means{}
	for _, n := range p.Model.Graph.Nodes {
		if r := p.rule[n]; r != nil && r.Role == product {
			in := n.Inputs[0]
			if sums[in] == nil {
				sums[in] = &means{}
				last[in] = n.OpType != "Conv"
			}
		}
	}
	seen := func(name string, v ort.Value) error {
		x, err := v.Float32s()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if h := o.Tensors[name]; h != nil {
			o.Bad += h.Add(x)
		}
		if s := sums[name]; s != nil {
			s.add(x, v.Dims, last[name])
		}
		return nil
	}
	declared := p.Model.Graph.DataInputs()
	fill := f.Fill
	take := func(_ int, out []ort.Value) error {
		for i, v := range out {
			if err := seen(names[i], v); err != nil {
				return err
			}
		}
		return nil
	}
	// The model's own inputs are looked at where they are made.
	if len(inputs) > 0 {
		for b := range f.Batches {
			in, err := f.Fill(b)
			if err != nil {
				return nil, err
			}
			for i, v := range in {
				if name := declared[i].Name; o.Tensors[name] != nil {
					if err := seen(name, v); err != nil {
						return nil, err
					}
				}
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	if len(names) > 0 {
		if err := ort.Map(ctx, model, max(f.Workers, 1), 1, names, f.Batches, fill, take); err != nil {
			return nil, fmt.Errorf("observing the model on samples: %w", err)
		}
	}
	for name, s := range sums {
		o.Means[name], o.Peaks[name] = s.mean(), s.peak
	}
	for name, h := range o.Tensors {
		if h.Count == 0 {
			return nil, &onnx.Error{Err: fmt.Errorf("tensor %q took no finite value on the samples", name)}
		}
	}
	return o, nil
}

// of is what was seen of a tensor, or of the one whose scale it shared.
func (o *Observation) of(name string) *Histogram {
	if h := o.Tensors[name]; h != nil {
		return h
	}
	return o.Tensors[o.roots[name]]
}

// observable is the model with the named tensors as its outputs, and which of the
// names are its inputs, which no run is needed to see.
func observable(m *onnx.Model, names []string) (model []byte, outputs, inputs []string, err error) {
	given := map[string]bool{}
	for _, v := range m.Graph.DataInputs() {
		given[v.Name] = true
	}
	for _, name := range names {
		if given[name] {
			inputs = append(inputs, name)
		} else {
			outputs = append(outputs, name)
		}
	}
	tapped, err := rewrite.Tap(m, outputs...)
	if err != nil {
		return nil, nil, nil, err
	}
	model, err = tapped.Encode()
	return model, outputs, inputs, err
}

// means sums a tensor's values channel by channel and follows their magnitude.
type means struct {
	sum  []float64
	peak []float64
	n    int64 // values a channel
}

func (s *means) add(x []float32, dims []int64, last bool) {
	if len(dims) < 2 || len(x) == 0 {
		return
	}
	axis := 1
	if last {
		axis = len(dims) - 1
	}
	channels, inner := int(dims[axis]), 1
	for _, d := range dims[axis+1:] {
		inner *= int(d)
	}
	if s.sum == nil {
		s.sum, s.peak = make([]float64, channels), make([]float64, channels)
	}
	if len(s.sum) != channels {
		return
	}
	for at := 0; at < len(x); at += inner {
		var sum float64
		var peak float32
		for _, v := range x[at : at+inner] {
			sum += float64(v)
			peak = max(peak, v, -v)
		}
		c := at / inner % channels
		s.sum[c] += sum
		s.peak[c] = max(s.peak[c], float64(peak))
	}
	s.n += int64(len(x) / channels)
}

func (s *means) mean() []float64 {
	if s.n == 0 {
		return nil
	}
	out := make([]float64, len(s.sum))
	for i, v := range s.sum {
		out[i] = v / float64(s.n)
	}
	return out
}
