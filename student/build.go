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
	// Units is as in Answer, for the logits.
	Units bool
	// More are the answers beside the logits: tensors that other outputs follow from.
	More []Answer
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
	if err := arch.Suits(sig); err != nil {
		return nil, err
	}
	if v := sig.Teacher.Opset(""); v < oldestOpset {
		return nil, fmt.Errorf("the teacher imports opset %d; students are written from opset %d on, and a newer one would not drop in", v, oldestOpset)
	}
	g := &onnx.Graph{Name: "student"}
	m := &onnx.Model{IRVersion: sig.Teacher.IRVersion, Opsets: slices.Clone(sig.Teacher.Opsets), ProducerName: "kdcompress",
		Domain: sig.Teacher.Domain, ModelVersion: sig.Teacher.ModelVersion + 1, Metadata: slices.Clone(sig.Teacher.Metadata), Graph: g}
	teacher := sig.Teacher.Clone().Graph
	g.Inputs, g.Outputs = teacher.DataInputs(), teacher.Outputs
	e := &Emitter{Builder: onnx.NewBuilder(g, ""), opset: sig.Teacher.Opset(""), arch: arch, spec: spec, seed: seed,
		dense: arch.Gives != nil, Answer: sig.Logits}
	for _, a := range sig.Answers() {
		e.Width += a.width()
	}
	e.Inputs = sig.Reads()
	if n := e.weights(); n > maxParams {
		return nil, fmt.Errorf("student %s has %d weights, more than an ONNX file of 2 GiB holds; choose a smaller one", spec, n)
	}
	s := &Student{Model: m, Spec: spec.String()}
	if err := s.finish(e, sig, teacher, arch.Emit(e)); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("student %s: %w", spec, err)
	}
	return s, nil
}

// Count is the number of weights that Build would give a student, -1 if the
// architecture does not read the teacher's inputs.
func Count(sig Signature, spec Spec) int64 {
	arch := archs[spec.Arch]
	if arch == nil {
		panic("student: unknown architecture: " + spec.Arch)
	}
	e := &Emitter{Builder: onnx.NewBuilder(&onnx.Graph{}, ""), opset: sig.Teacher.Opset(""), arch: arch, spec: spec, Inputs: sig.Reads()}
	for _, a := range sig.Answers() {
		e.Width += a.width()
	}
	if arch.Fits(e.Inputs) != nil {
		return -1
	}
	return e.weights()
}

// weights counts what Emit would make, without making it.
func (e *Emitter) weights() int64 {
	c := *e
	c.Builder, c.count, c.params = onnx.NewBuilder(&onnx.Graph{}, ""), true, 0
	e.arch.Emit(&c)
	return c.params
}

// appendClosing copies what follows the teacher's logits behind the student's,
// under the names of the teacher's outputs, and returns the tensor of the logits.
// Where the teacher has only probabilities, the student's logits get a Softmax.
// The student computes in float32; an output of another floating-point type gets
// a Cast at the very end. Rank is that of the logits without the batch.
func appendClosing(b *onnx.Builder, teacher *onnx.Graph, all []rewrite.Knowledge, logits string, rank int) (string, error) {
	g := b.G
	answer := logits
	if all[0].Kind == rewrite.KindProbabilities {
		answer = b.Op("Softmax", []string{logits}, onnx.Int("axis", int64(rank)))
	}
	renamed := map[string]string{all[0].Logits: answer}
	for _, k := range all {
		for _, n := range k.Closing {
			if _, done := renamed[n.Outputs[0]]; done {
				continue
			}
			if err := copyClosing(b, teacher, n, renamed); err != nil {
				return "", err
			}
		}
	}
	for _, k := range all {
		last := renamed[k.Output]
		for _, v := range g.Outputs {
			if v.Name == k.Output && v.Type.IsFloat() && v.Type != onnx.Float32 && producer(g, last).OpType != "Cast" {
				last = b.Op("Cast", []string{last}, onnx.Int("to", int64(v.Type)))
			}
		}
		rename(g, last, k.Output)
		if logits == last {
			logits = k.Output
		}
		for from, to := range renamed {
			if to == last {
				renamed[from] = k.Output
			}
		}
	}
	return logits, nil
}

// copyClosing copies a node of the teacher with the constants it reads.
func copyClosing(b *onnx.Builder, teacher *onnx.Graph, n *onnx.Node, renamed map[string]string) error {
	c := &onnx.Node{Name: b.Name(n.OpType), OpType: n.OpType, Domain: n.Domain, Attrs: n.Attrs}
	for _, in := range n.Inputs {
		name, ok := renamed[in]
		if t := teacher.Initializer(in); !ok && t != nil {
			name, ok = b.Init(t), true
			renamed[in] = name
		}
		if !ok && in != "" {
			return &onnx.Error{Node: n.Name, Op: n.OpType, Err: fmt.Errorf("it follows the logits and reads %q, which a student does not have", in)}
		}
		c.Inputs = append(c.Inputs, name)
	}
	for _, out := range n.Outputs {
		name := ""
		if out != "" {
			name = b.Name(out)
			renamed[out] = name
		}
		c.Outputs = append(c.Outputs, name)
	}
	b.G.Nodes = append(b.G.Nodes, c)
	return nil
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
