// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Signature is what a student must look like from outside: its teacher's.
type Signature struct {
	// Teacher gives inputs, outputs, operator sets, IR version and metadata.
	Teacher *onnx.Model
	// Knowledge says which tensor of the teacher carries the logits and what
	// follows it; the student gets the same closing nodes.
	Knowledge rewrite.Knowledge
	// Inputs are the per-sample shapes the data has, one for each input.
	Inputs [][]int
	// Logits is the per-sample shape of the teacher's logits.
	Logits []int
}

// oldestOpset is the first ai.onnx version in which every operator the
// architectures emit has the form they emit.
const oldestOpset = 9

// Build emits a student. The same signature, specification and seed give the
// same bytes.
func Build(sig Signature, spec Spec, seed uint64) (*Student, error) {
	arch := archs[spec.Arch]
	if arch == nil {
		panic("student: unknown architecture: " + spec.Arch)
	}
	if err := arch.Fits(sig.Inputs); err != nil {
		return nil, err
	}
	if v := sig.Teacher.Opset(""); v < oldestOpset {
		return nil, fmt.Errorf("the teacher imports opset %d; students are written from opset %d on, and a newer one would not drop in", v, oldestOpset)
	}
	if err := oneOutput(sig); err != nil {
		return nil, err
	}
	g := &onnx.Graph{Name: "student"}
	m := &onnx.Model{IRVersion: sig.Teacher.IRVersion, Opsets: slices.Clone(sig.Teacher.Opsets), ProducerName: "kdcompress",
		Domain: sig.Teacher.Domain, ModelVersion: sig.Teacher.ModelVersion + 1, Metadata: slices.Clone(sig.Teacher.Metadata), Graph: g}
	teacher := sig.Teacher.Clone().Graph
	g.Inputs, g.Outputs = teacher.DataInputs(), teacher.Outputs
	e := &Emitter{Builder: onnx.NewBuilder(g, ""), arch: arch, spec: spec, seed: seed, Width: 1}
	for _, d := range sig.Logits {
		e.Width *= d
	}
	for i, v := range g.Inputs {
		x := v.Name
		if v.Type != onnx.Float32 {
			x = e.Op("Cast", []string{x}, onnx.Int("to", int64(onnx.Float32)))
		}
		e.Inputs = append(e.Inputs, Input{Tensor: x, Shape: sig.Inputs[i]})
	}
	counted := *e
	counted.Builder, counted.count = onnx.NewBuilder(&onnx.Graph{}, ""), true
	if arch.Emit(&counted); counted.params > maxParams {
		return nil, fmt.Errorf("student %s has %d weights, more than an ONNX file of 2 GiB holds; choose a smaller one", spec, counted.params)
	}
	logits := arch.Emit(e)
	if len(sig.Logits) != 1 {
		dims := []int64{0} // as many samples as there are
		for _, d := range sig.Logits {
			dims = append(dims, int64(d))
		}
		logits = e.Op("Reshape", []string{logits, e.Int64("logits.shape", []int64{int64(len(dims))}, dims)})
	}
	logits, err := appendClosing(e.Builder, teacher, sig.Knowledge, logits)
	if err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("student %s: %w", spec, err)
	}
	return &Student{Model: m, Logits: logits, Spec: spec.String()}, nil
}

// oneOutput refuses teachers with outputs that the knowledge does not reach.
func oneOutput(sig Signature) error {
	for _, o := range sig.Teacher.Graph.Outputs {
		if o.Name != sig.Knowledge.Output {
			return fmt.Errorf("the teacher has outputs %q and %q; a student answers one output and would leave the other out", sig.Knowledge.Output, o.Name)
		}
	}
	return nil
}

// appendClosing copies what follows the teacher's logits behind the student's,
// under the teacher's output name, and returns the tensor of the logits. The
// student computes in float32; an output of another floating-point type gets a
// Cast at the very end.
func appendClosing(b *onnx.Builder, teacher *onnx.Graph, k rewrite.Knowledge, logits string) (string, error) {
	g := b.G
	renamed := map[string]string{k.Logits: logits}
	for _, n := range k.Closing {
		c := &onnx.Node{Name: b.Name(n.OpType), OpType: n.OpType, Domain: n.Domain, Attrs: n.Attrs}
		for _, in := range n.Inputs {
			name, ok := renamed[in]
			if t := teacher.Initializer(in); !ok && t != nil {
				name, ok = b.Init(t), true
				renamed[in] = name
			}
			if !ok && in != "" {
				return "", &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("it follows the logits and reads %q, which a student does not have", in)}
			}
			c.Inputs = append(c.Inputs, name)
		}
		for _, out := range n.Outputs {
			if out == "" {
				c.Outputs = append(c.Outputs, "")
				continue
			}
			renamed[out] = b.Name(out)
			c.Outputs = append(c.Outputs, renamed[out])
		}
		g.Nodes = append(g.Nodes, c)
	}
	last := renamed[k.Output]
	for _, v := range g.Outputs {
		if v.Name == k.Output && v.Type.IsFloat() && v.Type != onnx.Float32 && producer(g, last).OpType != "Cast" {
			last = b.Op("Cast", []string{last}, onnx.Int("to", int64(v.Type)))
		}
	}
	rename(g, last, k.Output)
	if logits == last {
		return k.Output, nil
	}
	return logits, nil
}

// producer is the node that computes a tensor; every closing chain begins at one.
func producer(g *onnx.Graph, name string) *onnx.Node {
	n := g.Producers()[name]
	if n == nil {
		panic("student: a tensor that no node computes")
	}
	return n
}

// rename gives a tensor another name wherever a node writes or reads it.
func rename(g *onnx.Graph, from, to string) {
	for _, n := range g.Nodes {
		for _, list := range [][]string{n.Inputs, n.Outputs} {
			for i, name := range list {
				if name == from {
					list[i] = to
				}
			}
		}
	}
}
