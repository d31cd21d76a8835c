// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"text/tabwriter"
)

// Candidate is a student that was considered. Latency is the median of one run of
// the untrained graph, LatencyRatio the teacher's divided by it; both are 0 where it
// was not run. Agreement and KL are those after Steps steps of brief training on
// held-out samples, absent where there was none.
type Candidate struct {
	Student      string   `json:"student"`
	Source       string   `json:"source"` // "fresh", or "cut" from the teacher
	Bytes        int64    `json:"bytes"`
	Params       int64    `json:"params"`
	LatencyMS    float64  `json:"latency_ms,omitempty"`
	LatencyRatio float64  `json:"latency_ratio,omitempty"`
	Steps        int      `json:"steps,omitempty"`
	Agreement    *float64 `json:"agreement,omitempty"`
	KL           *float64 `json:"kl,omitempty"`
	Chosen       bool     `json:"chosen"`
	Why          string   `json:"why"`
}

// textCandidates lists the students that were considered.
func (r *Report) textCandidates(b *bytes.Buffer) {
	if len(r.Candidates) == 0 {
		return
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "students considered\tfile size\tlatency\tagreement %%\tafter\t\n")
	for _, c := range r.Candidates {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(c.Student), byteSize(c.Bytes), c.latency(), c.agreement(), c.after(), plain(c.Why))
	}
	t.Flush()
}

func (c Candidate) latency() string {
	if c.LatencyMS == 0 {
		return ""
	}
	return milliseconds(c.LatencyMS)
}

func (c Candidate) agreement() string {
	if c.Agreement == nil {
		return ""
	}
	return percent(*c.Agreement)
}

func (c Candidate) after() string {
	if c.Steps == 0 {
		return ""
	}
	return count(c.Steps) + " steps"
}
