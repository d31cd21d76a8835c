// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/yalue/onnxruntime_go"

	"github.com/kdcompress/kdcompress/onnx"
)

// Options says how a session runs its model.
type Options struct {
	Threads    int      // threads within an operator; 1 if zero
	NoOptimise bool     // run the graph as it is written, without rewriting
	Outputs    []string // the outputs to fetch, in this order; nil for all as declared
	// NumbersOnly leaves out, where Outputs is nil, those that are no tensors of
	// numbers and could not be fetched: strings, sequences, maps.
	NumbersOnly bool

	saveTo string // where the runtime writes the optimised graph, "" for nowhere
}

// Info describes an input or output as the model declares it.
type Info struct {
	Name   string
	Kind   string        // Tensor, or "sequence", "map", "optional", "sparse_tensor", "opaque", "" if unknown
	Type   onnx.DataType // Undefined unless a tensor
	Ranked bool          // the model declares a shape
	Dims   []int64       // -1 where symbolic or unknown; nil for a scalar and where not Ranked
}

// Tensor is the Kind of inputs and outputs that can be fed and fetched.
const Tensor = "tensor"

// Session is a model ready to run. Its methods may be used from several
// goroutines at the same time; with one thread per session, every Run computes
// in the goroutine that calls it.
type Session struct {
	opts    Options
	inputs  []Info
	outputs []Info
	fetch   exposed
	plain   []byte // the model as given, kept where fetch.altered

	mu    sync.RWMutex // held for reading while the session runs
	dyn   *onnxruntime_go.DynamicAdvancedSession
	bound map[*Bound]struct{}
}

var errClosed = errors.New("the session is closed")

// Open makes a session of a model's bytes. The library must have been loaded by
// Init. A model whose weights are in other files is an error.
func Open(model []byte, opts Options) (*Session, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	if opts.Threads < 0 {
		panic("ort: negative number of threads")
	}
	opts.Threads = max(opts.Threads, 1)
	sig, err := scan(model)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	if err := complete(model, &sig); err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	s := &Session{opts: opts, inputs: sig.inputs, outputs: sig.outputs, bound: map[*Bound]struct{}{}}
	if opts.Outputs != nil {
		if s.outputs, err = choose(sig.outputs, opts.Outputs); err != nil {
			return nil, fmt.Errorf("opening a session: %w", err)
		}
	}
	if opts.Outputs == nil && opts.NumbersOnly {
		s.outputs = slices.DeleteFunc(slices.Clone(s.outputs), func(o Info) bool { return o.Kind != Tensor || o.Type.Size() == 0 })
	}
	if s.fetch, err = expose(model, sig, tensors(s.outputs)); err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	if s.dyn, err = create(s.fetch, opts); err != nil {
		return nil, err
	}
	if s.fetch.altered {
		s.plain = model
	}
	s.fetch.model = nil
	return s, nil
}

// Inputs describes the inputs that Run takes, in order.
func (s *Session) Inputs() []Info { return s.inputs }

// Outputs describes the outputs that Run returns, in order.
func (s *Session) Outputs() []Info { return s.outputs }

// Close releases the session and its bindings. It waits for runs to end.
// Closing twice is allowed.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dyn == nil {
		return nil
	}
	var errs []error
	for b := range s.bound {
		errs = append(errs, b.release())
	}
	clear(s.bound)
	errs = append(errs, s.dyn.Destroy())
	s.dyn = nil
	return errors.Join(errs...)
}

// create opens a session in the runtime.
func create(x exposed, opts Options) (*onnxruntime_go.DynamicAdvancedSession, error) {
	so, err := onnxruntime_go.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", oneLine(err))
	}
	level := onnxruntime_go.GraphOptimizationLevel(onnxruntime_go.GraphOptimizationLevelEnableAll)
	if opts.NoOptimise {
		level = onnxruntime_go.GraphOptimizationLevelDisableAll
	}
	err = errors.Join(
		so.SetIntraOpNumThreads(opts.Threads),
		so.SetInterOpNumThreads(1),
		so.SetGraphOptimizationLevel(level),
	)
	if opts.saveTo != "" {
		err = errors.Join(err, so.SetOptimizedModelFilePath(opts.saveTo))
	}
	var dyn *onnxruntime_go.DynamicAdvancedSession
	if err == nil {
		dyn, err = onnxruntime_go.NewDynamicAdvancedSessionWithONNXData(x.model, x.inputs, x.names, so)
		if cause := errors.Unwrap(err); cause != nil {
			err = cause
		}
	}
	if err := errors.Join(err, so.Destroy()); err != nil {
		return nil, fmt.Errorf("ONNX Runtime refuses the model: %w", oneLine(err))
	}
	return dyn, nil
}

// Run computes the outputs for inputs given in declared order. It does not
// change or keep the inputs; the outputs are the caller's. When ctx ends, Run
// stops after the operator at hand and returns an error that wraps ctx.Err.
func (s *Session) Run(ctx context.Context, in []Value) ([]Value, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("running a model: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dyn == nil {
		return nil, errClosed
	}
	feed, err := s.feed(in)
	if err != nil {
		return nil, fmt.Errorf("running a model: %w", err)
	}
	defer destroy(feed)
	fetched := make([]onnxruntime_go.Value, len(s.fetch.names))
	defer destroy(fetched)
	if err := s.compute(ctx, feed, fetched); err != nil {
		return nil, fmt.Errorf("running a model: %w", err)
	}
	out := make([]Value, len(s.outputs))
	for i, o := range s.outputs {
		if out[i], err = s.assemble(fetched, i); err != nil {
			return nil, fmt.Errorf("running a model: output %.80q: %w", o.Name, err)
		}
	}
	return out, nil
}
