// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"fmt"

	"github.com/yalue/onnxruntime_go"
)

// Bound is a session with its inputs and outputs in place, for measuring what a
// run takes and nothing else. It is not safe for concurrent use.
type Bound struct {
	owner   *Session
	own     *onnxruntime_go.DynamicAdvancedSession // opened for this binding, or nil
	run     *onnxruntime_go.DynamicAdvancedSession
	binding *onnxruntime_go.IoBinding
	feed    []onnxruntime_go.Value
	out     []onnxruntime_go.Value
}

// Bind copies the inputs, runs the model once to learn the shapes of its
// outputs, and allocates them. The binding lives until it or the session is closed.
func (s *Session) Bind(in []Value) (*Bound, error) {
	own := make([]Value, len(in))
	for i, v := range in {
		own[i] = v.clone()
	}
	outputs, err := s.Run(context.Background(), own)
	if err != nil {
		return nil, fmt.Errorf("binding a session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dyn == nil {
		return nil, errClosed
	}
	b := &Bound{owner: s, run: s.dyn, out: make([]onnxruntime_go.Value, len(outputs))}
	if err := b.bind(own, outputs); err != nil {
		return nil, fmt.Errorf("binding a session: %w", errors.Join(oneLine(err), b.release()))
	}
	s.bound[b] = struct{}{}
	return b, nil
}

func (b *Bound) bind(in, outputs []Value) (err error) {
	s := b.owner
	if s.fetch.altered {
		// What was added for fetching must not be measured.
		x := exposed{model: s.plain}
		if b.own, err = create(x, s.opts); err != nil {
			return err
		}
		b.run = b.own
	}
	if b.feed, err = s.feed(in); err != nil {
		return err
	}
	if b.binding, err = b.run.CreateIoBinding(); err != nil {
		return err
	}
	for i, info := range s.inputs {
		if err := b.binding.BindInput(info.Name, b.feed[i]); err != nil {
			return fmt.Errorf("input %.80q: %w", info.Name, err)
		}
	}
	for i, info := range s.outputs {
		if b.out[i], err = lend(outputs[i]); err != nil {
			return fmt.Errorf("output %.80q: %w", info.Name, err)
		}
		if err := b.binding.BindOutput(info.Name, b.out[i]); err != nil {
			return fmt.Errorf("output %.80q: %w", info.Name, err)
		}
	}
	return nil
}

// Run computes the outputs in place. It allocates no Go memory.
func (b *Bound) Run() error {
	b.owner.mu.RLock()
	defer b.owner.mu.RUnlock()
	if b.run == nil {
		return errClosed
	}
	if err := b.run.RunWithBinding(b.binding); err != nil {
		return fmt.Errorf("running a model: %w", oneLine(err))
	}
	return nil
}

// Outputs shows what the last Run computed, in memory that the next overwrites.
func (b *Bound) Outputs() ([]Value, error) {
	b.owner.mu.RLock()
	defer b.owner.mu.RUnlock()
	if b.run == nil {
		return nil, errClosed
	}
	out := make([]Value, len(b.out))
	for i, t := range b.out {
		var err error
		if out[i], err = view(t); err != nil {
			return nil, fmt.Errorf("output %.80q: %w", b.owner.outputs[i].Name, err)
		}
	}
	return out, nil
}

// Close releases the binding. Closing twice is allowed.
func (b *Bound) Close() error {
	b.owner.mu.Lock()
	defer b.owner.mu.Unlock()
	delete(b.owner.bound, b)
	return b.release()
}

// release frees what the binding holds, the binding before what it refers to.
func (b *Bound) release() error {
	var errs []error
	if b.binding != nil {
		errs = append(errs, b.binding.Destroy())
	}
	destroy(b.feed)
	destroy(b.out)
	if b.own != nil {
		errs = append(errs, b.own.Destroy())
	}
	b.binding, b.own, b.run = nil, nil, nil
	return errors.Join(errs...)
}
