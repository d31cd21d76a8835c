// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// live is a teacher that answers batches as they come, its taps beside its logits.
type live struct {
	teacher *Teacher
	taps    []distill.Tap
	dims    [][]int // of a sample of every input
	session *ort.Session
}

// live opens the teacher for answering. It must be closed.
func (t *Teacher) live(set *data.Set, taps []distill.Tap, threads int) (*live, error) {
	l := &live{teacher: t, taps: taps}
	m, err := onnx.Decode(t.tapped)
	if err != nil {
		return nil, err
	}
	outputs := t.tensors()
	for _, tap := range taps {
		outputs = append(outputs, tap.Tensor)
	}
	if m, err = rewrite.Tap(m, outputs...); err != nil {
		return nil, onnx.InFile(t.Path, err)
	}
	b, err := m.Encode()
	if err != nil {
		return nil, err
	}
	for i := range t.Model.Graph.DataInputs() {
		l.dims = append(l.dims, set.Dims(i))
	}
	if l.session, err = ort.Open(b, ort.Options{Threads: threads, Outputs: outputs}); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Path, err)
	}
	return l, nil
}

// ask implements distill.Ask.
func (l *live) ask(ctx context.Context, inputs [][]float32, n int, dst []float32) error {
	width, answers := l.teacher.width(), len(l.teacher.Answers)
	row := width
	for _, tap := range l.taps {
		row += loss.Size(tap.Shape)
	}
	size := n
	if l.teacher.batch > 0 {
		size = l.teacher.batch
	}
	for lo := 0; lo < n; lo += size {
		hi := min(lo+size, n)
		out, err := l.run(ctx, inputs, lo, hi, size)
		if err != nil {
			return fmt.Errorf("%s: %w", l.teacher.Path, err)
		}
		x, err := l.teacher.read(out[:answers], hi-lo)
		if err != nil {
			return fmt.Errorf("%s: %w", l.teacher.Path, err)
		}
		for i := range hi - lo {
			copy(dst[(lo+i)*row:], x[i*width:(i+1)*width])
		}
		at := width
		for k, tap := range l.taps {
			v, err := out[answers+k].Float32s()
			if err != nil {
				return err
			}
			per := loss.Size(tap.Shape)
			if len(v) != size*per {
				return fmt.Errorf("%s: tensor %q has %d elements for %d samples of %v", l.teacher.Path, tap.Tensor, len(v), size, tap.Shape)
			}
			for i := range hi - lo {
				copy(dst[(lo+i)*row+at:], v[i*per:(i+1)*per])
			}
			at += per
		}
	}
	return nil
}

// run runs the samples lo to hi, filled up with the last one to size.
func (l *live) run(ctx context.Context, inputs [][]float32, lo, hi, size int) ([]ort.Value, error) {
	var in []ort.Value
	for i, v := range l.teacher.Model.Graph.DataInputs() {
		per := loss.Size(l.dims[i])
		x := inputs[i][lo*per : hi*per]
		if hi-lo < size {
			x = append([]float32(nil), x...)
			for len(x) < size*per {
				x = append(x, inputs[i][(hi-1)*per:hi*per]...)
			}
		}
		dims := []int64{int64(size)}
		for _, d := range l.dims[i] {
			dims = append(dims, int64(d))
		}
		value, err := ort.FromFloat32(v.Type, dims, x)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", v.Name, err)
		}
		in = append(in, value)
	}
	return l.session.Run(ctx, in)
}

// margins measures the mean of the negative values of every channel of the taps,
// 0 where there are none.
func (l *live) margins(ctx context.Context, set *data.Set, idx []int) ([][]float32, error) {
	inputs := make([][]float32, len(l.dims))
	for i, d := range l.dims {
		inputs[i] = make([]float32, len(idx)*loss.Size(d))
		if err := set.Batch(i, idx, inputs[i]); err != nil {
			return nil, err
		}
	}
	row := l.teacher.width()
	for _, tap := range l.taps {
		row += loss.Size(tap.Shape)
	}
	rows := make([]float32, len(idx)*row)
	if err := l.ask(ctx, inputs, len(idx), rows); err != nil {
		return nil, err
	}
	var all [][]float32
	at := l.teacher.width()
	for _, tap := range l.taps {
		channels := tap.Shape[0]
		positions := loss.Size(tap.Shape[1:])
		margin := make([]float32, channels)
		for c := range margin {
			var sum float64
			n := 0
			for i := range idx {
				for _, v := range rows[i*row+at+c*positions:][:positions] {
					if v < 0 {
						sum += float64(v)
						n++
					}
				}
			}
			if n > 0 {
				margin[c] = float32(sum / float64(n))
			}
		}
		all = append(all, margin)
		at += loss.Size(tap.Shape)
	}
	return all, nil
}
