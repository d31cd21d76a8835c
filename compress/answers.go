// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"math"
	"strings"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student"
)

// Answer is a tensor of the teacher that a student learns.
type Answer struct {
	rewrite.Knowledge
	// Dims is its per-sample shape, known once probe has run, and so is the task.
	Dims []int
	// Guessed says that only name and shape tell the task.
	Guessed bool
	// read says that the numbers turned out to be probabilities.
	read bool
}

func (a *Answer) layout() target.Layout { return target.LayoutOf(a.Dims, a.Axis) }

// kind is what a loss compares of such an answer.
func (a *Answer) kind() loss.Answer {
	switch a.Task {
	case rewrite.Multilabel:
		return loss.LabelScores
	case rewrite.Regress:
		return loss.Numbers
	case rewrite.Embed:
		return loss.Vectors
	}
	return loss.ClassScores
}

// parseTasks reads what --task says: "auto", a task for the output learned first,
// or OUTPUT=TASK pairs with commas between them.
func parseTasks(text string) (first rewrite.Task, named map[string]rewrite.Task, err error) {
	if text == "" || text == "auto" {
		return "", nil, nil
	}
	if !strings.Contains(text, "=") {
		first, err = rewrite.ParseTask(text)
		return first, nil, err
	}
	named = map[string]rewrite.Task{}
	for part := range strings.SplitSeq(text, ",") {
		at := strings.LastIndex(part, "=")
		if at < 1 {
			return "", nil, fmt.Errorf("%q is not OUTPUT=TASK", part)
		}
		if named[part[:at]], err = rewrite.ParseTask(part[at+1:]); err != nil {
			return "", nil, err
		}
	}
	return "", named, nil
}

// Assign says what the teacher's answers are, as parseTasks reads it, over what
// the file tells.
func (t *Teacher) Assign(tasks string) error {
	first, named, err := parseTasks(tasks)
	if err != nil {
		return err
	}
	for i := range t.Answers {
		a := &t.Answers[i]
		task := named[a.Output]
		delete(named, a.Output)
		if i == 0 && first != "" {
			task = first
		}
		if task == "" {
			continue
		}
		numbers := task == rewrite.Regress || task == rewrite.Embed
		if numbers && a.Task != "" && a.Task != task {
			for _, v := range t.normal.Graph.Outputs {
				if v.Name == a.Output && v.Type != onnx.Undefined && !v.Type.IsFloat() {
					return &onnx.Error{Path: t.Path, Err: fmt.Errorf("output %q is %s: task %s needs floating-point numbers", a.Output, v.Type, task)}
				}
			}
			a.Knowledge = rewrite.Knowledge{Output: a.Output, Logits: a.Output, Kind: rewrite.KindLogits, Axis: -1}
		}
		a.Task = task
	}
	for name := range named {
		return &onnx.Error{Path: t.Path, Err: fmt.Errorf("no answer is learned for output %q: there is none of that name, or it follows from another one", name)}
	}
	t.Knowledge = t.Answers[0].Knowledge
	return nil
}

// tensors are the names of the answers' tensors.
func (t *Teacher) tensors() []string {
	var names []string
	for _, a := range t.Answers {
		names = append(names, a.Logits)
	}
	return names
}

// settle finds out the tasks that are still open, and refuses answers that their
// task would misread. Rows are the raw numbers of a few samples, answer by answer.
func (t *Teacher) settle(rows [][]float32) error {
	for i := range t.Answers {
		a := &t.Answers[i]
		if a.Task == "" {
			a.Task, a.Guessed = rewrite.GuessTask(a.Output, a.Dims), true
			if a.Task == rewrite.Classify && a.Kind == rewrite.KindLogits && distributions(rows[i], a.layout().Classes) {
				a.Kind, a.read = rewrite.KindProbabilities, true
			}
		}
		if a.Task == rewrite.Classify && a.layout().Classes < 2 {
			return &onnx.Error{Path: t.Path, Err: fmt.Errorf("tensor %q is one number a sample, not scores of classes; name another with --output, or say --task regress", a.Logits)}
		}
	}
	t.Knowledge, t.Logits = t.Answers[0].Knowledge, t.Answers[0].Dims
	return nil
}

// distributions says whether every row of numbers could be probabilities: none
// negative, and a sum of one.
func distributions(x []float32, classes int) bool {
	if classes < 2 {
		return false
	}
	for lo := 0; lo+classes <= len(x); lo += classes {
		sum := 0.0
		for _, v := range x[lo : lo+classes] {
			if v < 0 {
				return false
			}
			sum += float64(v)
		}
		if math.Abs(sum-1) > 1e-3 {
			return false
		}
	}
	return len(x) > 0
}

// note says what is learned, for people.
func (a *Answer) note() string {
	s := fmt.Sprintf("learning tensor %q (%s)", a.Logits, a.Kind)
	l := a.layout()
	positions := ""
	if n := l.Answers(); n > 1 {
		positions = fmt.Sprintf(" at each of %d positions", n)
	}
	switch a.Task {
	case rewrite.Multilabel:
		s += fmt.Sprintf(", %d labels", l.Len())
	case rewrite.Regress:
		s += fmt.Sprintf(", %d numbers a sample", l.Len())
	case rewrite.Embed:
		s += fmt.Sprintf(", an embedding of %d numbers%s", l.Classes, positions)
	default:
		s += fmt.Sprintf(", %d classes%s", l.Classes, positions)
	}
	if a.Guessed {
		s += fmt.Sprintf("; nothing in the file says what output %q means, its shape suggests this: --task says otherwise", a.Output)
	}
	return s
}

// signature is what a student has to look like from outside. Closing nodes and
// their constants are those of the normalised graph, the interface is the file's.
func (t *Teacher) signature(set *data.Set) student.Signature {
	normal := t.normal.Clone()
	normal.IRVersion = t.Model.IRVersion
	normal.Graph.Inputs, normal.Graph.Outputs = t.Model.Graph.DataInputs(), t.Model.Graph.Outputs
	sig := student.Signature{Teacher: normal}
	for i := range t.Model.Graph.DataInputs() {
		sig.Inputs = append(sig.Inputs, set.Dims(i))
	}
	for i, a := range t.Answers {
		units := a.Task == rewrite.Regress || a.Task == rewrite.Embed
		if i == 0 {
			sig.Knowledge, sig.Logits, sig.Units = a.Knowledge, a.Dims, units
			continue
		}
		sig.More = append(sig.More, student.Answer{Knowledge: a.Knowledge, Shape: a.Dims, Units: units})
	}
	return sig
}
