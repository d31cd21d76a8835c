// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

func TestInspect(t *testing.T) {
	library(t)
	path := save(t, toyTeacher(anyBatch, func(b *onnx.Builder, z string) *onnx.Value {
		return onnx.NewValue(b.OpNamed("class", "ArgMax", []string{z}, onnx.Int("axis", 1), onnx.Int("keepdims", 0)), onnx.Int64, anyBatch)
	}))
	r, err := Inspect(context.Background(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Inputs, []string{`"x" float[N,12]`}) || !reflect.DeepEqual(r.Outputs, []string{`"class" int64[N]`}) || !reflect.DeepEqual(r.Opsets, []string{"ai.onnx 13"}) {
		t.Errorf("inputs %q, outputs %q, opsets %q", r.Inputs, r.Outputs, r.Opsets)
	}
	if want := int64(features*64 + 64 + 64*classes + classes); r.Params != want || r.MACs == nil || *r.MACs != features*64+64*classes {
		t.Errorf("%d parameters, want %d; multiply-adds %v", r.Params, want, r.MACs)
	}
	if r.Logits != "logits" || r.Kind != "logits" || len(r.Notes) != 0 || r.Bytes != len(read(t, path)) || r.Producer != "toy" {
		t.Errorf("%+v", r)
	}
	want := []OpCount{{Op: "Gemm", Nodes: 2, Trainable: true}, {Op: "ArgMax", Nodes: 1}, {Op: "Relu", Nodes: 1, Trainable: true}}
	for i, o := range r.Operators {
		if (o.Why == "") != o.Trainable {
			t.Errorf("%s: %q", o.Op, o.Why)
		}
		r.Operators[i].Why = ""
	}
	if !reflect.DeepEqual(r.Operators, want) {
		t.Errorf("operators %+v, want %+v", r.Operators, want)
	}
	if r.Tensors[0].Name != "w1" || r.Tensors[0].Bytes != 4*features*64 {
		t.Errorf("tensors %+v", r.Tensors)
	}
	if _, err := Inspect(context.Background(), filepath.Join(t.TempDir(), "none.onnx"), ""); err == nil {
		t.Error("a file that is not there")
	}
}

func TestCompare(t *testing.T) {
	library(t)
	a := toyTeacher(anyBatch, softmax(anyBatch))
	b := a.Clone()
	b.Graph.Inputs[0].Name = "y"
	b.Graph.Nodes[0].Inputs[0] = "y"
	c := CompareConfig{A: save(t, a), B: save(t, a), Data: Data{Path: npy(t, 50, features)}, Threads: 2, Seed: 1}
	r, err := Compare(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Contract.OK || r.Fidelity.Agreement != 1 || r.Fidelity.Samples != 50 || r.Ratio.Bytes != 1 || r.Student.Latency.Runs == 0 {
		t.Errorf("%+v", r)
	}
	c.B, c.Data = save(t, b), Data{}
	if r, err = Compare(context.Background(), c, nil); err != nil || r.Contract.OK || r.Fidelity.Samples != 0 {
		t.Errorf("%+v, error %v", r, err)
	}
}

func TestEnvironment(t *testing.T) {
	library(t)
	e, err := Environment("")
	if err != nil || e.Library == "" || e.Runtime == "" || e.Go == "" || e.Cores < 1 || e.Version == "" || !e.Tried[len(e.Tried)-1].Found {
		t.Errorf("%+v, error %v", e, err)
	}
	none := filepath.Join(t.TempDir(), "none.so")
	e, err = Environment(none)
	oneLine(t, err, none)
	if e.Library != "" || len(e.Tried) == 0 || e.Tried[0].Path != none || e.Platform == "" {
		t.Errorf("%+v", e)
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); v == "" || strings.ContainsAny(v, "() \n") {
		t.Errorf("version %q", v)
	}
}
