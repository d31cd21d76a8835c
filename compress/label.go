// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// labelBatch is how many samples the teacher answers at once.
const labelBatch = 64

// manyClasses are those above which logits are kept in float16, if nothing else is
// asked for.
const manyClasses = 128

// identity is what answers of this teacher to these samples are kept under.
func (t *Teacher) identity(set *data.Set) target.Identity {
	var names []string
	for _, a := range t.Answers {
		if a.read {
			names = append(names, "log "+a.Logits)
			continue
		}
		names = append(names, a.Logits)
	}
	id := target.Identity{Teacher: t.SHA256, Output: strings.Join(names, "\n"), Preprocessing: set.Digest()}
	if len(t.Answers) == 1 && t.Answers[0].kind() == loss.ClassScores && t.width() > manyClasses {
		id.Encoding = "float16"
	}
	return id
}

// answer lets the teacher answer the samples idx that answers lacks. Memory is
// flat in their number, beside the answers themselves.
func (t *Teacher) answer(ctx context.Context, set *data.Set, answers *target.Answers, idx []int, threads int, emit func(Event)) error {
	var missing []int
	seen := map[target.Key]bool{}
	for _, i := range idx {
		if k := set.Key(i); !answers.Has(k) && !seen[k] {
			seen[k] = true
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	size := labelBatch
	if t.batch > 0 {
		size = t.batch
	}
	part := func(b int) []int { return missing[b*size : min((b+1)*size, len(missing))] }
	began, done := time.Now(), 0
	width := answers.Width()
	fill := func(b int) ([]ort.Value, error) { return t.feed(set, part(b)) }
	take := func(b int, out []ort.Value) error {
		x, err := t.read(out, len(part(b)))
		if err != nil {
			return err
		}
		for j, i := range part(b) {
			if err := answers.Add(set.Key(i), x[j*width:(j+1)*width]); err != nil {
				return err
			}
		}
		done += len(part(b))
		emit(progress("label", done, len(missing), began))
		return nil
	}
	batches := (len(missing) + size - 1) / size
	if err := ort.Map(ctx, t.tapped, threads, 1, t.tensors(), batches, fill, take); err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	return nil
}

// LabelConfig asks for the teacher's answers alone.
type LabelConfig struct {
	Teacher, Output string
	Task            string // as in Config
	Data            Data
	Out             string
	Shard, Shards   int // this part and how many there are; 0 of 1 is everything
	Threads         int
	Store           string // the encoding, see target.Encoding
	Library         string
}

// LabelResult says what was written.
type LabelResult struct {
	Path    string `json:"path"`
	Samples int    `json:"samples"`
	Answers int    `json:"answers"` // distinct samples
	Bytes   int    `json:"bytes_per_sample"`
}

// Label writes the teacher's answers to a folder that a distillation can read.
// Parts made with the same data by several machines are read together.
func Label(ctx context.Context, c LabelConfig, emit func(Event)) (*LabelResult, error) {
	if c.Shards < 1 || c.Shard < 0 || c.Shard >= c.Shards {
		return nil, usage("shard %d of %d: give --shard i/n with 0 <= i < n", c.Shard, c.Shards)
	}
	if emit == nil {
		emit = func(Event) {}
	}
	if err := startRuntime(c.Library); err != nil {
		return nil, err
	}
	if err := writable(c.Out); err != nil {
		return nil, err
	}
	t, err := LoadTeacher(c.Teacher, c.Output)
	if err != nil {
		return nil, err
	}
	if err := t.Assign(c.Task); err != nil {
		return nil, err
	}
	set, err := t.open(ctx, c.Data, emit)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	lo, hi := c.Shard*set.Len()/c.Shards, (c.Shard+1)*set.Len()/c.Shards
	var idx []int
	for i := lo; i < hi; i++ {
		idx = append(idx, i)
	}
	id := t.identity(set)
	if c.Store != "" {
		id.Encoding = target.Encoding(c.Store)
	}
	if err := id.Encoding.Check(t.width()); err != nil {
		return nil, &UsageError{fmt.Errorf("--store: %w", err)}
	}
	answers := target.New(id, t.dims())
	if err := t.answer(ctx, set, answers, idx, c.Threads, emit); err != nil {
		return nil, err
	}
	name := target.PartName(c.Shard, c.Shards)
	if err := answers.Write(c.Out, name); err != nil {
		return nil, err
	}
	return &LabelResult{Path: name, Samples: len(idx), Answers: answers.Len(), Bytes: answers.Bytes()}, nil
}

// open reads the samples and lets the teacher answer one of them.
func (t *Teacher) open(ctx context.Context, d Data, emit func(Event)) (*data.Set, error) {
	set, err := t.samples(ctx, d, emit)
	if err != nil {
		return nil, err
	}
	if err := t.probe(ctx, set); err != nil {
		set.Close()
		return nil, err
	}
	return set, nil
}

// samples opens the data for the model's inputs, and names the samples left out.
func (t *Teacher) samples(ctx context.Context, d Data, emit func(Event)) (*data.Set, error) {
	wants, err := t.Wants()
	if err != nil {
		return nil, err
	}
	emit(Event{Kind: "stage", Stage: "data", Message: "reading " + d.Path})
	set, err := data.Open(ctx, d.Path, wants, d.options())
	if err != nil {
		return nil, err
	}
	for _, b := range set.Bad() {
		emit(Event{Kind: "warning", Stage: "data", Message: fmt.Sprintf("left out %s: %v", b.Name, b.Err)})
	}
	return set, nil
}
