// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
)

// same is the band in which a ratio counts as no change: 2% up or down.
const same = 1.02

// verdict is the report in one sentence: size, speed, agreement, contract and
// the budgets that were missed. A factor of speed is claimed only where the
// whole interval lies on one side of "no change".
func (r *Report) verdict() string {
	var parts []string
	size, smaller := r.sizeWords()
	speed, faster := r.speedWords()
	if size != "" {
		parts = append(parts, size)
	}
	if speed != "" {
		parts = append(parts, speed)
	}
	parts = append(parts, r.agreementWords())
	v := "student is " + strings.Join(parts, ", ") + ": " + r.contractWords()
	if size == "" && speed == "" {
		v = "student " + parts[0] + ": " + r.contractWords()
	}
	if size != "" && speed != "" && !smaller && !faster {
		v = "no gain: " + v
	}
	var missed []string
	for _, b := range r.Budgets {
		if !b.OK {
			missed = append(missed, b.Name)
		}
	}
	if len(missed) > 0 {
		v += "; budget missed: " + strings.Join(missed, ", ")
	}
	return v
}

func (r *Report) sizeWords() (string, bool) {
	ratio := r.Ratio.Bytes
	switch {
	case ratio == 0:
		return "", false
	case ratio >= same:
		return times(ratio) + " smaller", true
	case ratio <= 1/same:
		return times(1/ratio) + " larger", false
	}
	return "of the same size", false
}

func (r *Report) speedWords() (string, bool) {
	ratio, ci := r.Ratio.LatencyP50, r.Ratio.LatencyP50CI95
	if ratio == 0 {
		return "", false
	}
	if ci == nil {
		ci = &Interval{ratio, ratio}
	}
	at := fmt.Sprintf(" at batch %d", r.Student.Latency.Batch)
	switch {
	case ci[0] >= same:
		return times(ratio) + " faster" + at, true
	case ci[1] <= 1/same:
		return times(1/ratio) + " slower" + at, false
	}
	return fmt.Sprintf("no faster%s (%s [%.2f, %.2f])", at, times(ratio), ci[0], ci[1]), false
}

func (r *Report) agreementWords() string {
	f := r.Fidelity
	if f.Samples == 0 {
		return "agreement not measured"
	}
	s := f.words()
	if f.ChoseEpoch {
		s += " (those that chose the epoch)"
	}
	return s
}

func (r *Report) contractWords() string {
	if r.Contract.OK {
		return "drop-in contract holds"
	}
	n := 0
	for _, d := range r.Contract.Differences {
		if d.Severity == Breaks {
			n++
		}
	}
	for _, run := range r.Contract.Runs {
		if !run.OK() {
			n++
		}
	}
	switch n {
	case 0:
		return "drop-in contract not checked"
	case 1:
		return "drop-in contract broken in 1 point"
	}
	return fmt.Sprintf("drop-in contract broken in %d points", n)
}
