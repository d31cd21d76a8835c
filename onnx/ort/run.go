// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/yalue/onnxruntime_go"

	"github.com/kdcompress/kdcompress/onnx"
)

// feed lends the inputs to the library after checking them against the model.
func (s *Session) feed(in []Value) ([]onnxruntime_go.Value, error) {
	for _, o := range s.outputs {
		if o.Kind != Tensor {
			return nil, notTensor("output", o)
		}
	}
	if len(in) != len(s.inputs) {
		return nil, fmt.Errorf("the model takes %d inputs, not %d", len(s.inputs), len(in))
	}
	if len(in) == 0 {
		in = []Value{{Dims: []int64{1}, Type: onnx.Float32, F: make([]float32, 1)}}
	}
	feed := make([]onnxruntime_go.Value, len(in))
	for i, v := range in {
		err := v.check()
		if err == nil && i < len(s.inputs) {
			err = s.inputs[i].accepts(v)
		}
		if err == nil {
			feed[i], err = lend(v)
		}
		if err != nil {
			destroy(feed)
			return nil, fmt.Errorf("input %.80q: %w", s.fetch.inputs[i], oneLine(err))
		}
	}
	return feed, nil
}

// accepts says whether a value fits the declaration.
func (i Info) accepts(v Value) error {
	if i.Kind != Tensor {
		return fmt.Errorf("it is a %s, not a tensor, and cannot be fed", i.Kind)
	}
	if v.Type != i.Type {
		return fmt.Errorf("got elements of type %s, the model declares %s", v.Type, i.Type)
	}
	if !i.Ranked {
		return nil
	}
	fits := len(v.Dims) == len(i.Dims)
	for d := 0; fits && d < len(i.Dims); d++ {
		fits = i.Dims[d] < 0 || i.Dims[d] == v.Dims[d]
	}
	if !fits {
		return fmt.Errorf("got shape %v, the model declares %v", v.Dims, i.Dims)
	}
	return nil
}

// compute runs the session; when ctx ends first it has the runtime stop.
func (s *Session) compute(ctx context.Context, feed, fetched []onnxruntime_go.Value) error {
	var opts *onnxruntime_go.RunOptions
	if ctx.Done() != nil {
		var err error
		if opts, err = onnxruntime_go.NewRunOptions(); err != nil {
			return oneLine(err)
		}
		stopped := make(chan struct{})
		cancel := context.AfterFunc(ctx, func() {
			defer close(stopped)
			// A run that cannot be stopped ends by itself.
			_ = opts.Terminate()
		})
		defer func() {
			if !cancel() {
				<-stopped
			}
			_ = opts.Destroy()
		}()
	}
	err := s.dyn.RunWithOptions(feed, fetched, opts)
	runtime.KeepAlive(feed)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return oneLine(err)
}

// assemble makes output i of what was fetched.
func (s *Session) assemble(fetched []onnxruntime_go.Value, i int) (Value, error) {
	src := s.fetch.sources[i]
	v, err := view(fetched[src.data])
	if err != nil {
		return Value{}, err
	}
	if src.shape >= 0 {
		shape, err := view(fetched[src.shape])
		if err != nil {
			return Value{}, err
		}
		v.Dims = elements[int64](shape.Raw)
	}
	if want := s.outputs[i].Type; v.Type != want {
		return FromFloat32(want, v.Dims, v.F)
	}
	return v, nil
}
