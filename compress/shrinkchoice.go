// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/compress/report"
)

// alike is the share of a cost below which another one counts as less.
const alike = 0.98

// better says whether a form is to be preferred: by its cost, or, where costs are
// alike, by agreement.
func (c *form) better(than *form) bool {
	switch a, b := c.Cost(), than.Cost(); {
	case a < alike*b:
		return true
	case b < alike*a:
		return false
	}
	return c.Fidelity.Agreement > than.Fidelity.Agreement
}

// choose takes the form of the least bytes times time among those that are
// neither slower than the float model nor change more answers than allowed, and
// says of every other one why not. Budgets come second: where nothing meets them,
// the best of what misses them is taken.
func (s *shrinker) choose() {
	family := families[s.Precision]
	var best, within *form // of all, and of those asked for
	for _, budgets := range []bool{true, false} {
		met := best
		for _, c := range s.forms {
			if c.Failed != "" {
				continue
			}
			faults, missed := s.faults(c), s.overBudget(c)
			c.Verdict = strings.Join(append(slices.Clone(faults), missed...), "; ")
			asked := slices.Contains(family, c.Name)
			forced := s.Force && asked && c.Name != nameFloat
			if len(faults) > 0 && !forced || budgets && len(missed) > 0 {
				continue
			}
			if best == nil || met == nil && c.better(best) {
				best = c
			}
			if asked && (within == nil || c.better(within)) {
				within = c
			}
		}
		if within != nil || best != nil && !budgets {
			break
		}
	}
	s.chosen, s.asked = within, within != nil
	if !s.asked {
		s.chosen = best
	}
	for _, c := range s.forms {
		switch {
		case c == s.chosen && c.Verdict != "":
			c.Verdict = "taken all the same: " + c.Verdict
		case c == s.chosen:
			c.Verdict = "taken"
		case c.Failed == "" && c.Verdict == "" && !slices.Contains(family, c.Name):
			c.Verdict = "not asked for"
		case c.Failed == "" && c.Verdict == "":
			c.Verdict = "no better than " + s.chosen.Name
		}
	}
}

// faults say why a form must not be taken. The float model has none.
func (s *shrinker) faults(c *form) []string {
	if c.Name == nameFloat {
		return nil
	}
	var faults []string
	if c.Slower() {
		faults = append(faults, c.SlowerWords())
	}
	if drop := s.forms[0].Fidelity.Agreement - c.Fidelity.Agreement; drop > s.allowed(c) {
		faults = append(faults, report.WorseWords(drop, s.MaxDrop))
	}
	if c.BytesRatio < 1 && !c.Faster() {
		faults = append(faults, "larger and no faster")
	}
	return faults
}

// allowed is the share of answers that a form may change: of so few that a single one
// is more than the bound, that one, which tells nothing (and a warning is given).
func (s *shrinker) allowed(c *form) float64 {
	if n := c.Fidelity.Answers; s.classes && s.MaxDrop > 0 && n > 0 {
		return max(s.MaxDrop, 1.001/float64(n))
	}
	return s.MaxDrop
}

// overBudget names the budgets a form misses.
func (s *shrinker) overBudget(c *form) []string {
	var missed []string
	for _, b := range s.budgets(c) {
		if !b.OK {
			missed = append(missed, "over --"+b.Name)
		}
	}
	return missed
}

// missed are the budgets that the chosen form misses.
func (s *shrinker) missed() []string {
	var missed []string
	if !s.asked {
		missed = append(missed, notTaken(s.Precision))
	}
	for _, b := range s.budgets(s.chosen) {
		if !b.OK {
			missed = append(missed, b.Name)
		}
	}
	return missed
}

// notTaken names a precision that nothing was written in.
func notTaken(precision string) string {
	return "--precision " + precision + " (the verdict says why; --force-precision takes it all the same)"
}

// budgets holds a form against the budgets.
func (s *shrinker) budgets(c *form) []report.Budget {
	return costBudgets(s.maxSize, s.maxLatency, c.Bytes, c.Latency.P50)
}

// report is what came of it.
func (s *shrinker) report() *report.Precision {
	p := &report.Precision{Asked: s.Precision, Reference: s.reference.path, Chosen: s.chosen.Name, MaxDrop: s.MaxDrop, Calibration: s.calibration, Layers: s.layers,
		Processor: report.Processor{Integers: s.integers.Activation.String() + " activations, int8 weights", Hint: s.integers.Hint},
		Budgets:   s.budgets(s.chosen), Warnings: s.warnings}
	if s.integers.Reduced {
		p.Processor.Integers += " of 7 bits"
	}
	for _, c := range s.forms {
		p.Forms = append(p.Forms, c.Form)
	}
	if s.chosen.Name != nameFloat {
		for _, x := range quant.Sizes(s.float.model, s.chosen.model) {
			p.Sizes = append(p.Sizes, report.TensorSize{Tensor: x.Tensor, Before: x.Before, Type: x.Type, After: x.After})
		}
	}
	switch {
	case s.chosen.Name == nameFloat:
		p.Verdict = "the float model stays as it is: no smaller form is as fast and as faithful here"
	default:
		p.Verdict = fmt.Sprintf("%s is %s", s.chosen.Name, s.chosen.SmallerWords(s.referenceWords))
	}
	if !s.asked {
		var why []string
		for _, c := range s.forms {
			if slices.Contains(families[s.Precision], c.Name) {
				reason := c.Verdict
				if c.Failed != "" {
					reason = c.Failed
				}
				why = append(why, c.Name+": "+reason)
			}
		}
		p.Verdict += fmt.Sprintf("; %s was asked for and not taken (%s)", s.Precision, strings.Join(why, "; "))
	}
	return p
}
