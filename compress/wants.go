// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
)

// Wants are the samples the teacher reads, one entry an input. The first
// dimension of every input counts samples.
func (t *Teacher) Wants() ([]data.Want, error) {
	var wants []data.Want
	if err := t.carriesState(); err != nil {
		return nil, err
	}
	for _, v := range t.Model.Graph.DataInputs() {
		if v.Kind == "tensor" && v.Ranked && len(v.Dims) == 0 {
			return nil, &onnx.Error{Path: t.Path, Err: fmt.Errorf("input %q is one %s for the whole batch, not one a sample; make it a constant in the file", v.Name, v.Type)}
		}
		if v.Kind != "tensor" || !v.Ranked {
			return nil, &onnx.Error{Path: t.Path, Err: fmt.Errorf("input %q is not a tensor whose first dimension counts samples", v.Name)}
		}
		w := data.Want{Name: v.Name, Type: v.Type}
		for _, d := range v.Dims[1:] {
			w.Dims = append(w.Dims, int(max(d.Size, -1)))
		}
		wants = append(wants, w)
	}
	return wants, nil
}

// carriesState refuses models that hand a state from call to call: an input that
// an output of the next call's name and type feeds, such as "h" and "hn", where
// the first dimension of that input does not count samples.
func (t *Teacher) carriesState() error {
	g := t.Model.Graph
	in := g.DataInputs()
	for _, v := range in {
		if len(v.Dims) < 2 || v.Dims[0].Size < 0 || !slices.ContainsFunc(in, func(o *onnx.Value) bool {
			return o != v && len(o.Dims) > 0 && o.Dims[0].Size != v.Dims[0].Size
		}) {
			continue
		}
		for _, o := range g.Outputs {
			if o.Type != v.Type || len(o.Dims) != len(v.Dims) || !sameStem(o.Name, v.Name) {
				continue
			}
			return &onnx.Error{Path: t.Path, Err: fmt.Errorf("input %q and output %q hand a state from one call to the next; samples that stand alone say nothing of it, so no student can be trained: "+
				"export the model over whole sequences, with the state inside, and distil that", v.Name, o.Name)}
		}
	}
	return nil
}

// sameStem says whether one name begins with the other, or they differ only in
// "in" and "out" or an ending such as "n", "_new" or "_next".
func sameStem(a, b string) bool {
	plain := func(s string) string {
		s = strings.ToLower(s)
		for _, w := range []string{"output", "input", "out", "in", "present", "past", "next", "new"} {
			s = strings.ReplaceAll(s, w, "")
		}
		return strings.Trim(s, "_.-/ ")
	}
	a, b = plain(a), plain(b)
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}
