// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

const (
	// widest is the number of weights of an output channel up to which AdaRound is
	// done: memory and time grow with its square.
	widest = 2304
	// damping is added to the diagonal of the second moments, as a share of its mean:
	// directions that the samples do not show keep their nearest weights.
	damping = 0.1
	// sweeps bound the rounds over the weights of a channel.
	sweeps = 30
)

// AdaRound rounds weights up or down so that each layer, fed by the rounded layers
// before it, comes nearest to its output in the plan's float model over the samples,
// moves the mean error into the bias, and returns the integers by initializer, for
// StaticOptions.Rounding. Layers go in graph order. S, which comes of the plan, is
// changed and runs on the samples once a layer. Layers whose channels read more than
// 2304 inputs, and weights that several layers read, stay as they are.
//
// The objective is that of M. Nagel et al., Up or Down? Adaptive Rounding for
// Post-Training Quantization, arXiv:2004.10568, section 3, with the asymmetric
// reconstruction of section 3.4 and without the activation function: for an output
// channel the least E (w x - v y)^2 over the rounded weights v, x being the float
// model's inputs and y those of the rounded one. It is quadratic, and solved by
// descent along one weight after another instead of by the paper's relaxation.
func (p *Plan) AdaRound(ctx context.Context, s *Static, f Feed) (map[string][]int8, error) {
	uses := map[string]int{}
	for _, l := range s.layers {
		uses[l.source]++
	}
	found := map[string][]int8{}
	for i := range s.layers {
		l := &s.layers[i]
		m := newMoments(l)
		if uses[l.source] > 1 || m.fan > widest {
			continue
		}
		if err := p.gather(ctx, s, l, m, f); err != nil {
			return nil, fmt.Errorf("rounding layer %q: %w", title(l.node), err)
		}
		if m.n == 0 {
			continue
		}
		m.round(l, f.Workers)
		copy(l.weight.tensor.Data, int8Tensor("", nil, l.weight.q).Data)
		found[l.source] = slices.Clone(l.weight.q)
	}
	return found, nil
}

// gather runs the samples through both models and sums the moments of the layer's
// inputs and float outputs.
func (p *Plan) gather(ctx context.Context, s *Static, l *staticLayer, m *moments, f Feed) error {
	var runs [2]*ort.Session
	for i, x := range []struct {
		model *onnx.Model
		name  string
	}{{s.Model, l.node.Inputs[0]}, {p.Model, l.out}} {
		file, err := upTo(x.model, x.name)
		if err != nil {
			return err
		}
		if runs[i], err = ort.Open(file, ort.Options{Threads: max(f.Workers, 1)}); err != nil {
			return err
		}
		defer runs[i].Close()
	}
	rows := max(8*m.fan, 4096)/f.Batches + 1
	for b := range f.Batches {
		in, err := f.Fill(b)
		if err != nil {
			return err
		}
		var v [2][]float32
		var dims [2][]int64
		for i, r := range runs {
			out, err := r.Run(ctx, in)
			if err != nil {
				return err
			}
			if v[i], err = out[0].Float32s(); err != nil {
				return err
			}
			dims[i] = out[0].Dims
		}
		m.add(v[0], v[1], dims[0], dims[1], rows, b)
	}
	return nil
}

// moments are sums over samples of what an output channel reads (x) and of what it
// shall be (y), for each group of channels that read the same.
type moments struct {
	node              *onnx.Node
	kernel            []int // of a convolution
	groups, fan, wide int   // wide is the output channels of a group
	xx, xy            [][]float64
	x, y              [][]float64
	n                 int
}

func newMoments(l *staticLayer) *moments {
	dims, axis := l.weight.grid.dims, l.weight.grid.axis
	m := &moments{node: l.node, groups: 1, wide: int(dims[axis])}
	m.fan = len(l.weight.q) / m.wide
	if l.node.OpType == "Conv" {
		m.groups = int(l.node.Int("group", 1))
		m.wide /= m.groups
		for _, d := range dims[2:] {
			m.kernel = append(m.kernel, int(d))
		}
	}
	for range m.groups {
		m.x, m.y = append(m.x, nil), append(m.y, nil)
		m.xx, m.xy = append(m.xx, nil), append(m.xy, nil)
	}
	return m
}

// add takes about so many rows of a batch: positions of pictures, spread evenly.
func (m *moments) add(x, y []float32, xdims, ydims []int64, rows, batch int) {
	var from, to func(row, group int, dst []float32)
	var all int
	if m.kernel == nil {
		all = len(x) / m.fan
		from = func(row, _ int, dst []float32) { copy(dst, x[row*m.fan:]) }
		to = func(row, _ int, dst []float32) { copy(dst, y[row*m.wide:]) }
	} else {
		w := newWindow(m.node, m.kernel, xdims, ydims)
		all = int(ydims[0]) * w.places
		from = func(row, group int, dst []float32) { w.read(x, row, group*m.fan/w.taps, dst) }
		to = func(row, group int, dst []float32) {
			image, place := row/w.places, row%w.places
			for c := range dst {
				dst[c] = y[((image*m.groups+group)*m.wide+c)*w.places+place]
			}
		}
	}
	if all == 0 {
		return
	}
	rows = min(rows, all)
	a := blas32.General{Rows: rows, Cols: m.fan, Stride: m.fan, Data: make([]float32, rows*m.fan)}
	b := blas32.General{Rows: rows, Cols: m.wide, Stride: m.wide, Data: make([]float32, rows*m.wide)}
	for g := range m.groups {
		for r := range rows {
			// Evenly spaced, from another place in every batch.
			row := (r*all/rows + batch*7919) % all
			from(row, g, a.Data[r*m.fan:(r+1)*m.fan])
			to(row, g, b.Data[r*m.wide:(r+1)*m.wide])
		}
		m.xx[g] = addProduct(m.xx[g], a, a)
		m.xy[g] = addProduct(m.xy[g], a, b)
		m.x[g], m.y[g] = addRows(m.x[g], a), addRows(m.y[g], b)
	}
	m.n += rows
}

// addProduct adds the product of a transposed and b.
func addProduct(sum []float64, a, b blas32.General) []float64 {
	c := blas32.General{Rows: a.Cols, Cols: b.Cols, Stride: b.Cols, Data: make([]float32, a.Cols*b.Cols)}
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, a, b, 0, c)
	if sum == nil {
		sum = make([]float64, len(c.Data))
	}
	for i, v := range c.Data {
		sum[i] += float64(v)
	}
	return sum
}

func addRows(sum []float64, a blas32.General) []float64 {
	if sum == nil {
		sum = make([]float64, a.Cols)
	}
	for i, v := range a.Data {
		sum[i%a.Cols] += float64(v)
	}
	return sum
}

// round chooses the layer's integers from the moments.
func (m *moments) round(l *staticLayer, workers int) {
	for g := range m.groups {
		h, x, y, xy := m.xx[g], m.x[g], m.y[g], m.xy[g]
		n := float64(m.n)
		for i := range x {
			x[i] /= n
		}
		for i := range y {
			y[i] /= n
		}
		var trace float64
		for i := range m.fan {
			for j := range m.fan {
				if h[i*m.fan+j] /= n; l.bias != nil {
					h[i*m.fan+j] -= x[i] * x[j]
				}
			}
			for c := range m.wide {
				if xy[i*m.wide+c] /= n; l.bias != nil {
					xy[i*m.wide+c] -= x[i] * y[c]
				}
			}
			trace += h[i*m.fan+i]
		}
		if !(trace > 0) {
			continue
		}
		damp := damping * trace / float64(m.fan)
		for i := range m.fan {
			h[i*m.fan+i] += damp
		}
		var team sync.WaitGroup
		workers = max(workers, 1)
		for k := range workers {
			team.Go(func() {
				for c := k; c < m.wide; c += workers {
					m.roundChannel(l, g*m.wide+c, h, xy[c:], damp, x, y[c])
				}
			})
		}
		team.Wait()
	}
}

// roundChannel descends from the nearest integers of an output channel: each weight
// in turn goes to that of its two neighbours which makes the error less, until none
// moves.
func (m *moments) roundChannel(l *staticLayer, c int, h, xy []float64, damp float64, x []float64, y float64) {
	w := l.weight
	at, stride := c*m.fan, 1
	if w.grid.axis != 0 {
		at, stride = c, int(w.grid.dims[1])
	}
	step := float64(w.grid.scale(c))
	v, gradient := make([]float64, m.fan), make([]float64, m.fan)
	for i := range v {
		v[i] = float64(w.q[at+i*stride]) * step
	}
	for i := range gradient {
		// Of the squared error and of the damping that pulls to the float weight.
		sum := -xy[i*m.wide] - damp*float64(w.grid.v[at+i*stride])
		for j, hj := range h[i*m.fan : (i+1)*m.fan] {
			sum += hj * v[j]
		}
		gradient[i] = sum
	}
	for range sweeps {
		moved := false
		for i := range v {
			low := math.Floor(float64(w.grid.v[at+i*stride]) / step)
			low = min(max(low, -w.grid.most), w.grid.most-1)
			q := float64(w.q[at+i*stride])
			other := low
			if q == low {
				other = low + 1
			}
			by := (other - q) * step
			if by*(2*gradient[i]+by*h[i*m.fan+i]) >= -1e-12 {
				continue
			}
			moved = true
			w.q[at+i*stride] = int8(other)
			v[i] = other * step
			for j, hj := range h[i*m.fan : (i+1)*m.fan] {
				gradient[j] += by * hj
			}
		}
		if !moved {
			break
		}
	}
	if l.bias != nil {
		mean := l.biasOf(c)
		for i := range v {
			mean += v[i] * x[i]
		}
		l.shift(c, y-mean)
	}
}
