// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
)

// SetBatch returns the model with n as the first dimension of its inputs and of
// the outputs that follow them. Where the model declares another fixed batch, it
// goes through OpenBatch and fails where that does. n is at least 1.
func SetBatch(m *onnx.Model, n int) (*onnx.Model, error) {
	if n < 1 {
		panic("rewrite: batch below one")
	}
	was, err := declaredBatch(m.Graph)
	if err != nil {
		return nil, err
	}
	out := m.Clone()
	if was.Size >= 0 && was.Size != int64(n) {
		if out, err = OpenBatch(m, "batch"); err != nil {
			return nil, err
		}
		was = onnx.Symbolic("batch")
	}
	declareBatch(out.Graph, was, onnx.Fixed(int64(n)))
	return out, nil
}

// OpenBatch returns the model with a symbol as the first dimension of its inputs
// and of the outputs that follow them, so that it takes any batch. Where the
// model declares a fixed batch, constant shapes of Reshape that contain it are
// changed to copy it from their input, which is the same for the declared batch.
// The error names the node where a batch is built in otherwise, or where samples
// would influence each other.
func OpenBatch(m *onnx.Model, symbol string) (*onnx.Model, error) {
	if symbol == "" {
		panic("rewrite: empty symbol for a batch")
	}
	was, err := declaredBatch(m.Graph)
	if err != nil {
		return nil, err
	}
	out := m.Clone()
	if was.Size >= 0 {
		if err := openFlow(out, was.Size); err != nil {
			return nil, err
		}
	}
	declareBatch(out.Graph, was, onnx.Symbolic(symbol))
	return out, out.Check()
}

// declaredBatch is the first dimension that the inputs agree on.
func declaredBatch(g *onnx.Graph) (onnx.Dim, error) {
	var first *onnx.Value
	for _, v := range g.DataInputs() {
		if len(v.Dims) == 0 {
			continue
		}
		if first == nil {
			first = v
			continue
		}
		if a, b := first.Dims[0], v.Dims[0]; a.Size != b.Size || (a.Param != b.Param && a.Param != "" && b.Param != "") {
			return onnx.Dim{}, &onnx.Error{Err: fmt.Errorf("inputs %q and %q differ in their first dimension (%s, %s): which one is the batch is not clear",
				first.Name, v.Name, dimString(a), dimString(b))}
		}
		if first.Dims[0].Param == "" {
			first = v
		}
	}
	if first == nil {
		return onnx.Dim{}, &onnx.Error{Err: fmt.Errorf("no input of the model has dimensions, so none has a batch")}
	}
	return first.Dims[0], nil
}

func dimString(d onnx.Dim) string {
	switch {
	case d.Param != "":
		return d.Param
	case d.Size >= 0:
		return fmt.Sprint(d.Size)
	}
	return "?"
}

// declareBatch replaces the batch in the declared shapes of inputs and outputs and
// forgets the shapes of intermediates. A fixed first dimension of an output that
// differs from the batch is something else and stays.
func declareBatch(g *onnx.Graph, was, now onnx.Dim) {
	replace := func(v *onnx.Value, input bool) {
		for i, d := range v.Dims {
			if (was.Param != "" && d.Param == was.Param) ||
				(i == 0 && (input || d == was || (was.Size < 0 && d.Size < 0 && (was.Param == "" || d.Param == "")))) {
				v.Dims[i] = now
			}
		}
	}
	for _, v := range g.DataInputs() {
		replace(v, true)
	}
	for _, v := range g.Outputs {
		replace(v, false)
	}
	forgetShapes(g)
}

// forgetShapes drops the shapes of intermediates, which the batch has made stale.
// Their types stay.
func forgetShapes(g *onnx.Graph) {
	for _, v := range g.ValueInfo {
		v.Ranked, v.Dims = false, nil
	}
	for _, n := range g.Nodes {
		for _, sub := range n.Graphs() {
			forgetShapes(sub)
		}
	}
}
