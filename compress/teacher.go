// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Teacher is a model to learn from.
type Teacher struct {
	Path   string
	File   []byte // as onnx.Read gives it
	SHA256 string
	Model  *onnx.Model
	// Answers are the tensors to learn, the one of the output asked for first.
	Answers []Answer
	// Knowledge and Logits are those of the first answer: the latter its per-sample
	// shape, known once probe has run.
	Knowledge rewrite.Knowledge
	Logits    []int

	normal *onnx.Model
	tapped []byte // the model with the answers' tensors as outputs
	batch  int    // samples a run takes; 0 if any number
}

// LoadTeacher reads a model and finds the tensors to learn. Output names the graph
// output that comes first; "" finds it.
func LoadTeacher(path, output string) (*Teacher, error) {
	m, file, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	t := &Teacher{Path: path, File: file, Model: m}
	sum := sha256.Sum256(t.File)
	t.SHA256 = hex.EncodeToString(sum[:])
	if t.normal, err = rewrite.Normalise(m); err != nil {
		return nil, onnx.InFile(path, err)
	}
	found, err := rewrite.FindAnswers(t.normal, output)
	if err != nil {
		return nil, onnx.InFile(path, err)
	}
	for _, k := range found {
		t.Answers = append(t.Answers, Answer{Knowledge: k})
	}
	t.Knowledge = found[0]
	return t, nil
}

// probe learns the shapes of the answers, what they are where the file does not
// tell, and how many samples a run takes, by running a few.
func (t *Teacher) probe(ctx context.Context, set *data.Set) error {
	tapped, err := rewrite.Tap(t.normal, t.tensors()...)
	if err != nil {
		return onnx.InFile(t.Path, err)
	}
	for _, v := range tapped.Graph.DataInputs() {
		if d := v.Dims[0].Size; d > 0 {
			t.batch = max(t.batch, int(d))
		}
	}
	if t.tapped, err = tapped.Encode(); err != nil {
		return onnx.InFile(t.Path, err)
	}
	few := min(set.Len(), 8)
	if t.batch > 0 {
		few = min(few, t.batch)
	}
	out, err := t.run(ctx, set, all(few))
	if err != nil {
		return fmt.Errorf("%s: a trial run: %w", t.Path, err)
	}
	rows := make([][]float32, len(t.Answers))
	for i := range t.Answers {
		if rows[i], t.Answers[i].Dims, err = t.raw(i, out[i], few); err != nil {
			return fmt.Errorf("%s: a trial run: %w", t.Path, err)
		}
	}
	if err := t.settle(rows); err != nil {
		return err
	}
	one, err := t.read(out, few)
	if err != nil {
		return fmt.Errorf("%s: a trial run: %w", t.Path, err)
	}
	t.openBatch(ctx, set, tapped, one[:len(one)/few])
	return nil
}

// openBatch makes a model of a fixed batch size take any, where its answers
// prove that this changes nothing.
func (t *Teacher) openBatch(ctx context.Context, set *data.Set, tapped *onnx.Model, one []float32) {
	if t.batch == 0 || set.Len() < 3 {
		return
	}
	open, err := rewrite.OpenBatch(tapped, "N")
	if err != nil {
		return
	}
	b, err := open.Encode()
	if err != nil {
		return
	}
	trial := &Teacher{Path: t.Path, Answers: t.Answers, Model: t.Model, tapped: b}
	three, err := trial.ask(ctx, set, []int{0, 1, 2})
	if err != nil {
		return
	}
	want := one
	for i := 1; i < 3; i++ {
		next, err := t.ask(ctx, set, []int{i})
		if err != nil {
			return
		}
		want = append(want, next...)
	}
	if len(want) != len(three) {
		return
	}
	for i, v := range want {
		if math.Abs(float64(v-three[i])) > 1e-4*(1+math.Abs(float64(v))) {
			return
		}
	}
	t.tapped, t.batch = b, 0
}

// run runs the samples idx at once and returns the answers' tensors. A model of a
// fixed batch size gets the last sample repeated.
func (t *Teacher) run(ctx context.Context, set *data.Set, idx []int) ([]ort.Value, error) {
	s, err := ort.Open(t.tapped, ort.Options{Threads: 1, Outputs: t.tensors()})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	in, err := t.feed(set, idx)
	if err != nil {
		return nil, err
	}
	return s.Run(ctx, in)
}

// ask is run and read.
func (t *Teacher) ask(ctx context.Context, set *data.Set, idx []int) ([]float32, error) {
	out, err := t.run(ctx, set, idx)
	if err != nil {
		return nil, err
	}
	return t.read(out, len(idx))
}

// feed makes the inputs of a run.
func (t *Teacher) feed(set *data.Set, idx []int) ([]ort.Value, error) {
	padded := slices.Clone(idx)
	for len(padded) < t.batch {
		padded = append(padded, idx[len(idx)-1])
	}
	var in []ort.Value
	for i, v := range t.Model.Graph.DataInputs() {
		dims := []int64{int64(len(padded))}
		n := len(padded)
		for _, d := range set.Dims(i) {
			dims = append(dims, int64(d))
			n *= d
		}
		buf := make([]float32, n)
		if err := set.Batch(i, padded, buf); err != nil {
			return nil, err
		}
		x, err := ort.FromFloat32(v.Type, dims, buf)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", v.Name, err)
		}
		in = append(in, x)
	}
	return in, nil
}

// width is the number of numbers in all answers to a sample.
func (t *Teacher) width() int {
	n := 0
	for i := range t.Answers {
		n += t.Answers[i].layout().Len()
	}
	return n
}

// dims is the shape that a sample's answers are stored in: that of the only one,
// or all in a row.
func (t *Teacher) dims() []int {
	if len(t.Answers) == 1 {
		return t.Logits
	}
	return []int{t.width()}
}

// read takes the answers to the first n samples of a run: sample after sample,
// of each the answers' tensors one behind the other, laid out answer by answer.
// Probabilities become their logarithms, which softmax turns back into them at any
// temperature.
func (t *Teacher) read(out []ort.Value, n int) ([]float32, error) {
	width, at := t.width(), 0
	all := make([]float32, n*width)
	for i := range t.Answers {
		a := &t.Answers[i]
		x, dims, err := t.raw(i, out[i], n)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(dims, a.Dims) {
			return nil, fmt.Errorf("tensor %q changes its shape from sample to sample: %v, then %v", a.Logits, a.Dims, dims)
		}
		if a.Kind == rewrite.KindProbabilities {
			for k, p := range x {
				// The smallest normal float32 bounds the logarithm.
				x[k] = float32(math.Log(math.Max(float64(p), 0x1p-126)))
			}
		}
		l := a.layout()
		for s := range n {
			l.Rows(all[s*width+at:], x[s*l.Len():(s+1)*l.Len()])
		}
		at += l.Len()
	}
	return all, nil
}

// raw is tensor i of the first n samples of a run as the teacher gives it, and the
// shape of one sample's.
func (t *Teacher) raw(i int, v ort.Value, n int) ([]float32, []int, error) {
	name := t.Answers[i].Logits
	x, err := v.Float32s()
	if err != nil {
		return nil, nil, err
	}
	rows := max(n, t.batch)
	if len(v.Dims) == 0 || int(v.Dims[0]) != rows || len(x)%rows != 0 {
		return nil, nil, fmt.Errorf("tensor %q has shape %v for %d samples: its first dimension does not count them", name, v.Dims, rows)
	}
	var dims []int
	for _, d := range v.Dims[1:] {
		dims = append(dims, int(d))
	}
	x = slices.Clone(x[:len(x)/rows*n])
	for _, p := range x {
		if math.IsNaN(float64(p)) || math.IsInf(float64(p), 0) {
			return nil, nil, fmt.Errorf("tensor %q holds %g: the teacher's answer cannot be learned", name, p)
		}
	}
	return x, dims, nil
}
