// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student/op"
)

// Inspection is what a model's file tells.
type Inspection struct {
	Path      string      `json:"path"`
	Bytes     int         `json:"bytes"`
	SHA256    string      `json:"sha256"`
	IR        int64       `json:"ir_version"`
	Producer  string      `json:"producer"`
	Opsets    []string    `json:"opsets"`
	Inputs    []string    `json:"inputs"`
	Outputs   []string    `json:"outputs"`
	Params    int64       `json:"params"`
	MACs      *int64      `json:"macs,omitempty"`
	Operators []OpCount   `json:"operators"`
	Tensors   []Weight    `json:"largest_tensors"`
	Logits    string      `json:"logits,omitempty"`
	Kind      string      `json:"knowledge,omitempty"`
	Metadata  [][2]string `json:"metadata,omitempty"`
	// Notes say what could not be learned and why.
	Notes []string `json:"notes,omitempty"`
}

// OpCount is how often an operator occurs and whether it can be trained.
type OpCount struct {
	Op        string `json:"op"`
	Nodes     int    `json:"nodes"`
	Trainable bool   `json:"trainable"`
	Why       string `json:"why,omitempty"`
}

// Weight is a stored tensor.
type Weight struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Dims  []int64 `json:"dims"`
	Bytes int     `json:"bytes"`
}

// Inspect reads a model. Multiply-adds need ONNX Runtime; where it is not found
// they are left out and a note says so.
func Inspect(ctx context.Context, path, library string) (*Inspection, error) {
	m, b, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	d := report.Describe(path, b, m)
	r := &Inspection{Path: path, Bytes: len(b), SHA256: d.SHA256, IR: m.IRVersion, Params: d.Params,
		Producer: strings.TrimSpace(m.ProducerName + " " + m.ProducerVersion)}
	for _, o := range m.Opsets {
		domain := o.Domain
		if domain == "" {
			domain = "ai.onnx"
		}
		r.Opsets = append(r.Opsets, fmt.Sprintf("%s %d", domain, o.Version))
	}
	for _, v := range m.Graph.DataInputs() {
		r.Inputs = append(r.Inputs, describeValue(v))
	}
	for _, v := range m.Graph.Outputs {
		r.Outputs = append(r.Outputs, describeValue(v))
	}
	for _, p := range m.Metadata {
		r.Metadata = append(r.Metadata, [2]string{p.Key, p.Value})
	}
	r.Operators = countOperators(m)
	r.Tensors = largestTensors(m.Graph, 10)
	if k, err := rewrite.FindKnowledge(m, ""); err != nil {
		r.Notes = append(r.Notes, err.Error())
	} else {
		r.Logits, r.Kind = k.Logits, k.Kind
	}
	err = startRuntime(library)
	if err == nil {
		var c report.MACCount
		if c, err = report.MACs(ctx, m, nil); err == nil {
			r.MACs = &c.Total
		}
	}
	if err != nil {
		r.Notes = append(r.Notes, "multiply-adds were not counted: "+err.Error())
	}
	return r, ctx.Err()
}

// describeValue is a value as the tool prints it: name, type, dimensions.
func describeValue(v *onnx.Value) string {
	if v.Kind != "tensor" {
		return fmt.Sprintf("%q %s", v.Name, v.Kind)
	}
	if !v.Ranked {
		return fmt.Sprintf("%q %s of unknown rank", v.Name, v.Type)
	}
	var dims []string
	for _, d := range v.Dims {
		switch {
		case d.Size >= 0:
			dims = append(dims, fmt.Sprint(d.Size))
		case d.Param != "":
			dims = append(dims, d.Param)
		default:
			dims = append(dims, "?")
		}
	}
	return fmt.Sprintf("%q %s[%s]", v.Name, v.Type, strings.Join(dims, ","))
}

// countOperators counts nodes by operator, most frequent first. Constant and
// Identity are gone before training begins and count as trainable.
func countOperators(m *onnx.Model) []OpCount {
	count := map[string]int{}
	domain := map[string]string{}
	for _, n := range m.Graph.Nodes {
		name := n.OpType
		if n.Domain != "" && n.Domain != "ai.onnx" {
			name = n.Domain + "." + name
		}
		count[name]++
		domain[name] = n.Domain
	}
	var list []OpCount
	for name, n := range count {
		c := OpCount{Op: name, Nodes: n, Trainable: true}
		short := name[strings.LastIndex(name, ".")+1:]
		switch o, err := op.Lookup(domain[name], short, int(m.Opset(domain[name]))); {
		case name == "Constant":
		case err != nil:
			c.Trainable, c.Why = false, "runs in a teacher, cannot be trained"
		case o.Stops:
			c.Trainable, c.Why = false, "no gradient passes through it"
		}
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Nodes != list[j].Nodes {
			return list[i].Nodes > list[j].Nodes
		}
		return list[i].Op < list[j].Op
	})
	return list
}

// largestTensors lists the initializers that take the most bytes.
func largestTensors(g *onnx.Graph, most int) []Weight {
	var list []Weight
	for _, t := range g.Initializers {
		list = append(list, Weight{t.Name, t.Type.String(), t.Dims, len(t.Data)})
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Bytes > list[j].Bytes })
	return list[:min(most, len(list))]
}
