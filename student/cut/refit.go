// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// layer is a linear node whose weights are the graph's own: y = W x + b on rows x,
// patches for a convolution.
type layer struct {
	n      *onnx.Node
	weight *onnx.Tensor
	bias   *onnx.Tensor // nil where there is none to set
	// rows gathers row vectors x and the positions they belong to.
	patch *patch
	// w is the weights as [in][out].
	in, out int
}

// mostRows bounds the rows a layer is fitted to, and mostCost their number times
// the square of their length.
const (
	mostRows = 8192
	mostCost = 4e9
)

// refit fits, in graph order, every linear layer that reads something changed, so
// that its output comes near to the one that the graph had before. Each is fitted to
// the activations of the graph as fitted so far. Keep lists the positions that stay
// of the axes that have lost some; their tensors count as changed.
func (w *work) refit(ctx context.Context, before *onnx.Model, changed map[string]bool, keep map[axis][]int) error {
	for a := range keep {
		changed[a.tensor] = true
	}
	fitted, better := 0, 0
	for _, n := range w.model.Graph.Nodes {
		reads := slices.ContainsFunc(n.Inputs, func(in string) bool { return changed[in] })
		if !reads {
			continue
		}
		for _, o := range n.Outputs {
			changed[o] = true
		}
		if !changed[n.Inputs[0]] {
			continue
		}
		l, err := w.layerOf(n)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		fitted++
		ok, err := w.fitLayer(ctx, before, keep, l)
		if err != nil {
			return err
		}
		if ok {
			better++
		}
	}
	w.note("refitted %d of %d layers by least squares on %d samples", better, fitted, w.samples.N)
	return nil
}

// fitLayer fits one layer; it reports false where the weights were left as they
// are because no fit was better on rows held out of it.
func (w *work) fitLayer(ctx context.Context, before *onnx.Model, keep map[axis][]int, l *layer) (bool, error) {
	x, y, rows, err := w.rows(ctx, before, keep, l)
	if err != nil || rows < 16 {
		return false, err
	}
	f, err := l.read()
	if err != nil {
		return false, err
	}
	if !f.fit(x, y, rows, l.bias != nil) {
		return false, nil
	}
	l.write(f)
	return true, nil
}

// rows runs both graphs over the samples and gathers, at seeded positions, what the
// layer reads now and what it wrote before.
func (w *work) rows(ctx context.Context, before *onnx.Model, keep map[axis][]int, l *layer) (x, y []float64, rows int, err error) {
	in, out := l.n.Inputs[0], l.n.Outputs[0]
	batch := min(16, w.samples.N)
	now, err := w.compile(w.model, batch, engine.Options{Outputs: []string{in}})
	if err != nil {
		return nil, nil, 0, err
	}
	then, err := w.compile(before, batch, engine.Options{Outputs: []string{out}})
	if err != nil {
		return nil, nil, 0, err
	}
	l.patch.place(now.Shape(in), then.Shape(out))
	ch := l.patch.channel
	kept := keep[axis{out, ch}]
	places, origin := stillThere(then.Shape(out), ch, func(d int) []int { return keep[axis{out, d}] }) // of a batch
	want := min(mostRows, max(4*l.in, 1024))
	if cost := float64(l.in) * float64(l.in); cost*float64(want) > mostCost && l.in <= dual {
		want = max(int(mostCost/cost), 2*l.in)
	}
	if l.in > dual {
		want = dual
	}
	batches := (w.samples.N + batch - 1) / batch
	each := min(max(want/batches, 1), places)
	r := w.random(out)
	for b := range batches {
		if err := w.run(ctx, now, b, batch); err != nil {
			return nil, nil, 0, err
		}
		if err := w.run(ctx, then, b, batch); err != nil {
			return nil, nil, 0, err
		}
		src, dst := now.Output(in), then.Output(out)
		for _, p := range pick(r, places, each) {
			x = l.patch.gather(x, src, p)
			y = l.patch.answer(y, dst, origin(p), kept)
			rows++
		}
	}
	return x, y, rows, nil
}

// stillThere counts the places of a layer's output, of the given shape before the
// cut, that no other axis than the channels' has lost, and says which place each was:
// the layers of an MLP-Mixer that mix places have the channels among theirs.
func stillThere(shape []int, channel int, keep func(d int) []int) (n int, origin func(p int) int) {
	n = 1
	same := true
	for d, size := range shape {
		if d == channel {
			continue
		}
		if k := keep(d); k != nil {
			size, same = len(k), false
		}
		n *= size
	}
	if same {
		return n, func(p int) int { return p }
	}
	return n, func(p int) int {
		at, stride := 0, 1
		for d, size := range slices.Backward(shape) {
			if d == channel {
				continue
			}
			k := keep(d)
			if k == nil {
				at += p % size * stride
				p /= size
			} else {
				at += k[p%len(k)] * stride
				p /= len(k)
			}
			stride *= size
		}
		return at
	}
}

// run fills a plan with a batch of the samples, the first again behind the last,
// and runs it.
func (w *work) run(ctx context.Context, p *engine.Plan[float32], b, batch int) error {
	for i, v := range w.sig.Teacher.Graph.DataInputs() {
		in := w.samples.Inputs[i]
		per := len(in) / w.samples.N
		buf := p.Input(v.Name)
		for k := range batch {
			s := (b*batch + k) % w.samples.N
			copy(buf[k*per:(k+1)*per], in[s*per:])
		}
	}
	return p.Run(ctx)
}
