// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/loss"
)

// checkpoint is the state of a training after a whole epoch. Everything else
// follows from the configuration.
type checkpoint struct {
	Config    string // digest of what must be the same to go on
	Epoch     int
	Best      int
	Curve     []Epoch
	Weights   []float32
	BestW     []float32
	Optimizer []byte
	Average   []byte
	Sizes     []float64 // of the terms, where some are balanced
}

// digest names the configuration a checkpoint belongs to.
func (t *trainer) digest() (string, error) {
	type term struct {
		Name   string
		Weight float64
		Values map[string]float64
		// What only losses on tensors inside the models have.
		Balanced bool        `json:",omitempty"`
		Pairs    []loss.Pair `json:",omitempty"`
	}
	var terms []term
	var units [][]float32
	for _, h := range t.heads {
		units = append(units, h.Scale, h.Shift)
		for _, x := range h.Terms {
			terms = append(terms, term{Name: x.Loss.Name, Weight: x.Weight, Values: x.Values})
		}
	}
	for _, x := range t.Inside {
		terms = append(terms, term{x.Loss.Name, x.Weight, x.Values, x.Balanced, x.Pairs})
	}
	b, err := t.Student.Model.Encode()
	if err != nil {
		return "", err
	}
	model := sha256.Sum256(b)
	samples := sha256.New()
	for _, list := range [][]int{t.Train, t.Held} {
		for _, i := range list {
			key := t.Set.Key(i)
			samples.Write(key[:])
			if label, ok := t.Set.Label(i); ok && t.targets[0][loss.Labels] != "" {
				samples.Write(binary.LittleEndian.AppendUint64(nil, uint64(label)))
			}
		}
	}
	b, err = json.Marshal([]any{hex.EncodeToString(model[:]), terms, units, t.Answers.Identity, hex.EncodeToString(samples.Sum(nil)), len(t.Held),
		t.Epochs, t.Batch, t.Config.Rate, t.Warmup, t.Clip, t.Decay, t.Seed, t.Shards, t.Classes, augmented(t.Augment), t.Views, t.Store != nil, t.Momentum, t.Average})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// augmented names an augmentation, "" for none.
func augmented(v *data.Views) string {
	if v == nil {
		return ""
	}
	return v.String()
}

// save writes the state, whole or not at all: its SHA-256, then the state as gob.
func (t *trainer) save() error {
	c := checkpoint{Config: t.config, Epoch: t.epoch, Best: t.best, Curve: t.curve, Weights: t.params.W, BestW: t.bestW}
	if t.balance != nil {
		c.Sizes = t.balance.means
	}
	var err error
	if c.Optimizer, err = t.opt.MarshalBinary(); err != nil {
		return err
	}
	if t.average != nil {
		if c.Average, err = t.average.MarshalBinary(); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(c); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	return renameio.WriteFile(t.Checkpoint, append(sum[:], b.Bytes()...), 0o644)
}

// load goes on from a checkpoint. None is a fresh start; one of another
// configuration is an error.
func (t *trainer) load() error {
	b, err := os.ReadFile(t.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	const size = sha256.Size
	if len(b) < size || sha256.Sum256(b[size:]) != [size]byte(b[:size]) {
		return fmt.Errorf("%s: not a checkpoint, or damaged; run without --resume", t.Checkpoint)
	}
	var c checkpoint
	if err := gob.NewDecoder(bytes.NewReader(b[size:])).Decode(&c); err != nil {
		return fmt.Errorf("%s: not a checkpoint of this version (%w); run without --resume", t.Checkpoint, err)
	}
	if c.Config != t.config || len(c.Weights) != len(t.params.W) || len(c.BestW) != len(t.bestW) {
		return fmt.Errorf("%s belongs to another configuration; run without --resume, or with the job.yaml beside it", t.Checkpoint)
	}
	if err := t.opt.UnmarshalBinary(c.Optimizer); err != nil {
		return fmt.Errorf("%s: %w", t.Checkpoint, err)
	}
	if t.average != nil {
		if err := t.average.UnmarshalBinary(c.Average); err != nil {
			return fmt.Errorf("%s: %w", t.Checkpoint, err)
		}
	}
	if t.balance != nil {
		t.balance.means = c.Sizes
	}
	copy(t.params.W, c.Weights)
	copy(t.bestW, c.BestW)
	t.epoch, t.best, t.curve = c.Epoch, c.Best, c.Curve
	if t.Emit != nil && t.epoch > 0 {
		t.Emit(Event{Epoch: t.epoch, Epochs: t.Epochs, Steps: t.steps, Step: t.steps, Resumed: true})
	}
	return nil
}
