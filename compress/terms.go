// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/loss"
)

// usual are the losses that "auto" stands for.
var usual = map[loss.Answer][]string{
	loss.ClassScores: {"kd"},
	loss.LabelScores: {"bce"},
	loss.Numbers:     {"mse"},
	loss.Vectors:     {"cosine", "mse"},
}

// checkLoss says what is wrong with the loss, before it is known what it compares.
func (c *Config) checkLoss() error {
	names := []string{c.Loss}
	switch c.Loss {
	case "auto":
		names = usual[loss.ClassScores]
	case noLoss:
		names = nil
	}
	for _, name := range names {
		if _, err := c.term(name); err != nil {
			return err
		}
	}
	if c.LabelWeight > 0 {
		_, err := loss.NewTerm("ce", c.LabelWeight, nil)
		return err
	}
	return nil
}

// term is one loss of weight 1.
func (c *Config) term(text string) (loss.Term, error) {
	var more map[string]float64
	if c.Temperature > 0 {
		more = map[string]float64{"temperature": c.Temperature}
	}
	t, err := loss.Parse(text, 1, more)
	if err == nil && t.Loss.Family != loss.Response {
		return t, fmt.Errorf("loss %s compares tensors inside the models: give it with --feature or --relation", t.Loss.Name)
	}
	return t, err
}

// terms are the losses for answers of a kind. The loss that the configuration
// names has to suit the first answer and is used for others where it suits them.
func (c *Config) terms(kind loss.Answer, first bool) ([]loss.Term, error) {
	var terms []loss.Term
	names := usual[kind]
	switch {
	case c.Loss == noLoss && first:
		names = nil
	case c.Loss != "auto" && c.Loss != noLoss:
		t, err := c.term(c.Loss)
		switch {
		case err != nil:
			return nil, err
		case t.Loss.Compares(kind):
			names = []string{c.Loss}
		case first:
			return nil, usage("loss %s does not compare %s: take %s, or leave --loss out (--task says what the teacher's answers are)", t.Loss.Name, kind, lossesFor(kind))
		}
	}
	for _, name := range names {
		t, err := c.term(name)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	if c.LabelWeight > 0 && first {
		if kind != loss.ClassScores {
			return nil, usage("a label weight needs classes, and the teacher gives %s", kind)
		}
		ce, err := loss.NewTerm("ce", c.LabelWeight, nil)
		if err != nil {
			return nil, err
		}
		terms = append(terms, ce)
	}
	return terms, nil
}

// onlyClasses refuses what needs one class a sample where the teacher gives
// something else.
func (j *job) onlyClasses() error {
	a := &j.teacher.Answers[0]
	for _, f := range []struct {
		on   bool
		flag string
	}{{j.Control, "control"}, {j.Balance, "balance"}, {j.FixBias, "fix-bias"}, {len(j.More) > 0, "teacher, given twice,"}, {strings.HasPrefix(j.Store, "topk"), "store " + j.Store}} {
		if f.on && (len(j.teacher.Answers) > 1 || a.kind() != loss.ClassScores || a.layout().Answers() > 1) {
			return usage("--%s is for teachers that give one class a sample", f.flag)
		}
	}
	return nil
}

// lossesFor lists the losses that compare answers of a kind.
func lossesFor(kind loss.Answer) string {
	var names []string
	for _, l := range loss.All() {
		if l.Family == loss.Response && l.Compares(kind) {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, ", ")
}

// losses names the losses trained with, each once, for the student's metadata.
func (j *job) losses() string {
	if j.Loss != "auto" {
		return j.Loss
	}
	var names []string
	for i := range j.teacher.Answers {
		for _, name := range usual[j.teacher.Answers[i].kind()] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, "+")
}
