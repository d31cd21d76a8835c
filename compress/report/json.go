// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/renameio/v2"
)

// JSON is the report as indented JSON with a closing newline. Lists that are
// empty are written as [], and Schema and Verdict are filled in. A number that
// JSON cannot hold (NaN or an infinity) is an error.
func (r *Report) JSON() ([]byte, error) {
	full := *r
	full.Schema = Schema
	full.Verdict = r.verdict()
	full.Warnings = filled(r.Warnings)
	full.Budgets = filled(r.Budgets)
	full.Contract.Differences = filled(r.Contract.Differences)
	full.Fidelity = r.Fidelity.filled()
	full.FidelitySets = nil
	for _, f := range r.FidelitySets {
		full.FidelitySets = append(full.FidelitySets, f.filled())
	}
	if r.Training != nil {
		t := *r.Training
		t.Curve = filled(t.Curve)
		full.Training = &t
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&full); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

func (f Fidelity) filled() Fidelity {
	f.Worst = filled(f.Worst)
	f.Confusions = filled(f.Confusions)
	return f
}

func filled[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteJSON writes the report to path: to a temporary file beside it first,
// which then takes its name, so that path never holds half a report.
func (r *Report) WriteJSON(path string) error {
	b, err := r.JSON()
	if err != nil {
		return err
	}
	return replaceFile(path, b)
}

// replaceFile writes a file that appears whole or not at all.
func replaceFile(path string, b []byte) error {
	if err := renameio.WriteFile(path, b, 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
