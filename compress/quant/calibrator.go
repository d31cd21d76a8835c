// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"maps"
	"slices"
)

// Calibrator chooses from what was observed of a tensor the range that its
// integers shall cover.
type Calibrator struct {
	Name    string
	Summary string
	// Range returns the ends, lo <= 0 <= hi, within what was observed.
	Range func(h *Histogram) (lo, hi float64)
}

var calibrators = map[string]*Calibrator{}

// register adds a calibrator; package-level variables of this package call it.
func register(c Calibrator) *Calibrator {
	if calibrators[c.Name] != nil {
		panic("quant: registered twice: " + c.Name)
	}
	calibrators[c.Name] = &c
	return &c
}

// Calibrators lists the calibrators by name.
func Calibrators() []*Calibrator {
	var all []*Calibrator
	for _, name := range slices.Sorted(maps.Keys(calibrators)) {
		all = append(all, calibrators[name])
	}
	return all
}

// LookupCalibrator returns the calibrator called name, nil if there is none.
func LookupCalibrator(name string) *Calibrator { return calibrators[name] }

// levels are the steps that eight bits divide a range into.
const levels = 255
