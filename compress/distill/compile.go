// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
)

// prefix begins the names of everything a training adds to the student's graph.
const prefix = "kdcompress."

// targetInputs are the names of the inputs that losses compare with.
var targetInputs = map[loss.Target]string{
	loss.TeacherLogits: prefix + "teacher",
	loss.TeacherChoice: prefix + "choice",
	loss.Labels:        prefix + "labels",
}

// compile builds the training plan: the student's graph with the loss terms
// appended, each with what it compares with as further inputs. Projectors of the
// terms are trained along; the student's own graph does not change.
func (t *trainer) compile() error {
	g := t.Student.Model.Graph.Clone()
	opset := int(t.Student.Model.Opset(""))
	b := onnx.NewBuilder(g, prefix)
	var losses []string
	t.targets = make([]map[loss.Target]string, len(t.heads))
	for i := range t.heads {
		h, inputs := &t.heads[i], map[loss.Target]string{}
		t.targets[i] = inputs
		rows := map[loss.Target]string{}
		target := func(k loss.Target) string {
			if rows[k] != "" {
				return rows[k]
			}
			name := targetInputs[k]
			if i > 0 {
				name += strconv.Itoa(i)
			}
			n, classes := int64(h.Layout.Answers()), int64(h.Layout.Classes)
			dims := []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(n), onnx.Fixed(classes)}
			if n == 1 {
				dims = slices.Delete(dims, 1, 2)
			}
			inputs[k] = b.Input(name, onnx.Float32, dims...)
			rows[k] = inputs[k]
			if n > 1 {
				rows[k] = b.Op("Reshape", []string{inputs[k], b.Int64("rows", []int64{2}, []int64{-1, classes})})
			}
			return rows[k]
		}
		student := h.Tensor
		if t.Config.Heads != nil {
			student = h.rows(b)
		} else if len(t.Answers.Dims) != 1 {
			student = b.Op("Reshape", []string{student, b.Int64("rows", []int64{2}, []int64{-1, int64(t.Answers.Width())})})
		}
		for _, term := range h.Terms {
			losses = append(losses, term.Append(b, opset, h.Layout.Classes, student, target)...)
		}
		if inputs[loss.Labels] != "" && !t.Set.HasLabels() {
			return fmt.Errorf("the loss compares with labels, and the data has none")
		}
	}
	inside, err := t.appendInside(b, opset, losses)
	if err != nil {
		return err
	}
	losses = append(losses, inside...)
	if t.params, err = engine.NewParams[float32](g, t.frozen); err != nil {
		return err
	}
	if len(t.params.Trainable()) == 0 {
		return fmt.Errorf("the student has no weights to train")
	}
	o := engine.Options{Batch: t.Batch, Shards: t.Shards, Opset: opset, Training: true, Losses: losses, Seed: t.Seed, BF16: t.BF16}
	if t.balance != nil {
		o.Outputs = slices.Concat(t.balance.tensors...)
	}
	if t.plan, err = engine.Compile(sized(g, t.Set, len(t.inputs)), t.params, o); err != nil {
		return err
	}
	if t.plan.Shape(positions) != nil {
		position := t.plan.Input(positions)
		for i := range t.Batch {
			position[i*t.Batch+i] = 1
		}
	}
	return nil
}

// FastBF16 says whether Config.BF16 saves time on this processor.
func FastBF16() bool { return engine.FastBF16() }

// frozen says that a tensor is not trained: a constant of a loss or of the student.
func (t *trainer) frozen(name string) bool {
	if strings.HasPrefix(name, prefix) {
		return !loss.Trained(prefix, name)
	}
	return t.Student.Frozen(name)
}

// store writes the weights that belong to a graph into it. Projectors do not.
func (t *trainer) store(g *onnx.Graph) {
	for _, x := range g.Initializers {
		if v := t.params.Values(x.Name); v != nil {
			x.Data = onnx.FloatData(x.Type, v)
		}
	}
}
