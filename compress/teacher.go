// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Teacher is a model to learn from.
type Teacher struct {
	Path      string
	File      []byte // as it lies on the disk
	SHA256    string
	Model     *onnx.Model
	Knowledge rewrite.Knowledge
	// Logits is the per-sample shape of the logits, known once probe has run.
	Logits []int

	normal *onnx.Model
	tapped []byte // the model with the logits as an output
	batch  int    // samples a run takes; 0 if any number
}

// LoadTeacher reads a model and finds its logits. Output names the graph output
// to learn; "" finds it.
func LoadTeacher(path, output string) (*Teacher, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	t := &Teacher{Path: path, Model: m}
	if t.File, err = os.ReadFile(path); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(t.File)
	t.SHA256 = hex.EncodeToString(sum[:])
	if t.normal, err = rewrite.Normalise(m); err != nil {
		return nil, onnx.InFile(path, err)
	}
	if t.Knowledge, err = rewrite.FindKnowledge(t.normal, output); err != nil {
		return nil, onnx.InFile(path, err)
	}
	return t, nil
}

// Wants are the samples the teacher reads, one entry an input. The first
// dimension of every input counts samples.
func (t *Teacher) Wants() ([]data.Want, error) {
	var wants []data.Want
	for _, v := range t.Model.Graph.DataInputs() {
		if v.Kind != "tensor" || !v.Ranked || len(v.Dims) == 0 {
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

// probe learns the shape of the logits and how many samples a run takes, by
// running a few.
func (t *Teacher) probe(ctx context.Context, set *data.Set) error {
	tapped, err := rewrite.Tap(t.normal, t.Knowledge.Logits)
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
	one, dims, err := t.logits(ctx, set, []int{0})
	if err != nil {
		return fmt.Errorf("%s: a trial run: %w", t.Path, err)
	}
	t.Logits = dims
	if err := t.oneAnswer(); err != nil {
		return err
	}
	t.openBatch(ctx, set, tapped, one)
	return nil
}

// classes is the number of logits a sample.
func (t *Teacher) classes() int {
	n := 1
	for _, d := range t.Logits {
		n *= d
	}
	return n
}

// oneAnswer refuses logits that a softmax over all of them would misread.
func (t *Teacher) oneAnswer() error {
	n, classes := t.classes(), 1
	if len(t.Logits) > 0 {
		classes = t.Logits[len(t.Logits)-1]
		if a := t.Knowledge.Axis; a > 0 && a <= len(t.Logits) {
			classes = t.Logits[a-1]
		}
	}
	what := fmt.Sprintf("tensor %q", t.Knowledge.Logits)
	switch {
	case n != classes:
		return &onnx.Error{Path: t.Path, Err: fmt.Errorf("%s answers at several positions (shape %v a sample); only one answer a sample can be distilled; name another with --output", what, t.Logits)}
	case n < 2:
		return &onnx.Error{Path: t.Path, Err: fmt.Errorf("%s is one number a sample, not scores of classes; name another with --output", what)}
	}
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
	trial := &Teacher{Path: t.Path, Knowledge: t.Knowledge, Model: t.Model, tapped: b}
	three, dims, err := trial.logits(ctx, set, []int{0, 1, 2})
	if err != nil || !slices.Equal(dims, t.Logits) {
		return
	}
	want := one
	for i := 1; i < 3; i++ {
		next, _, err := t.logits(ctx, set, []int{i})
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

// logits runs the samples idx at once and returns their logits and the shape of
// one sample's. A model of a fixed batch size gets the last sample repeated.
func (t *Teacher) logits(ctx context.Context, set *data.Set, idx []int) ([]float32, []int, error) {
	s, err := ort.Open(t.tapped, ort.Options{Threads: 1, Outputs: []string{t.Knowledge.Logits}})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	in, err := t.feed(set, idx)
	if err != nil {
		return nil, nil, err
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	return t.read(out[0], len(idx))
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

// read takes the logits of the first n samples of a run. Probabilities become
// their logarithms, which softmax turns back into them at any temperature.
func (t *Teacher) read(v ort.Value, n int) ([]float32, []int, error) {
	x, err := v.Float32s()
	if err != nil {
		return nil, nil, err
	}
	rows := max(n, t.batch)
	if len(v.Dims) == 0 || int(v.Dims[0]) != rows || len(x)%rows != 0 {
		return nil, nil, fmt.Errorf("tensor %q has shape %v for %d samples: its first dimension does not count them", t.Knowledge.Logits, v.Dims, rows)
	}
	var dims []int
	for _, d := range v.Dims[1:] {
		dims = append(dims, int(d))
	}
	x = slices.Clone(x[:len(x)/rows*n])
	for i, p := range x {
		if math.IsNaN(float64(p)) || math.IsInf(float64(p), 0) {
			return nil, nil, fmt.Errorf("tensor %q holds %g: the teacher's answer cannot be learned", t.Knowledge.Logits, p)
		}
		if t.Knowledge.Kind == rewrite.KindProbabilities {
			// The smallest normal float32 bounds the logarithm.
			x[i] = float32(math.Log(math.Max(float64(p), 0x1p-126)))
		}
	}
	return x, dims, nil
}
