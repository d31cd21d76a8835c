// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes the verdict and a table for a terminal. Names that come from
// files are printed without control characters.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "VERDICT  %s\n\n", r.verdict())
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\tteacher\tstudent\tratio\n")
	for _, row := range r.rows() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row.Name, row.Teacher, row.Student, row.Ratio)
	}
	t.Flush()
	r.textFidelity(&b)
	r.textProof(&b)
	r.textCandidates(&b)
	if r.Precision != nil {
		fmt.Fprintf(&b, "\nnumber types: %s\n", r.Precision.Verdict)
		r.Precision.textForms(&b)
	}
	if len(r.Contract.Differences)+len(r.Contract.Runs)+len(r.Budgets)+len(r.Warnings) > 0 {
		b.WriteByte('\n')
	}
	for _, d := range r.Contract.Differences {
		fmt.Fprintf(&b, "contract %s: %s: %s\n", d.Severity, d.Where, d.Text)
	}
	for _, run := range r.Contract.Runs {
		if !run.OK() {
			fmt.Fprintf(&b, "contract breaks: run at batch %d: %s\n", run.Batch, plain(run.Error))
		}
	}
	textEnd(&b, r.Budgets, r.Warnings)
	_, err := w.Write(trimLines(b.Bytes()))
	return err
}

// textEnd writes what a report ends with.
func textEnd(b *bytes.Buffer, budgets []Budget, warnings []string) {
	for _, x := range budgets {
		state := "met"
		if !x.OK {
			state = "MISSED"
		}
		fmt.Fprintf(b, "budget %s %s: %s %s, got %s\n", x.Name, state, x.Bound, x.value(x.Wanted), x.value(x.Got))
	}
	for _, s := range warnings {
		fmt.Fprintf(b, "warning: %s\n", plain(s))
	}
}

func (r *Report) textFidelity(b *bytes.Buffer) {
	sets := r.sets()
	if len(sets) == 0 {
		return
	}
	for _, group := range byMeasure(sets) {
		b.WriteByte('\n')
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		columns := fidelityColumns(group[0])
		fmt.Fprintf(t, "fidelity on\tinputs")
		for _, c := range columns {
			fmt.Fprintf(t, "\t%s", c.Head)
		}
		fmt.Fprintln(t)
		for _, f := range group {
			fmt.Fprintf(t, "%s\t%s", f.title(), count(f.Samples))
			for _, c := range columns {
				fmt.Fprintf(t, "\t%s", c.Of(f))
			}
			fmt.Fprintln(t)
		}
		t.Flush()
	}
}

// sets lists the measured sets of inputs, the main one first.
func (r *Report) sets() []Fidelity {
	var s []Fidelity
	for _, f := range append([]Fidelity{r.Fidelity}, r.FidelitySets...) {
		if f.Samples > 0 {
			s = append(s, f)
		}
	}
	return s
}

// row is a line of the table of sizes and speeds.
type row struct{ Name, Teacher, Student, Ratio string }

func (r *Report) rows() []row {
	t, s := r.Teacher, r.Student
	rows := []row{
		{"file size", byteSize(t.Bytes), byteSize(s.Bytes), ratioOf(r.Ratio.Bytes)},
		{"parameters", count(t.Params), count(s.Params), ratioOf(r.Ratio.Params)},
	}
	if t.MACs != nil && s.MACs != nil {
		rows = append(rows, row{"multiply-adds per input", operations(*t.MACs), operations(*s.MACs), ratioOf(r.Ratio.MACs)})
	}
	if t.Latency.Runs > 0 && s.Latency.Runs > 0 {
		ratio := ratioOf(r.Ratio.LatencyP50)
		if ci := r.Ratio.LatencyP50CI95; ci != nil {
			ratio += " [" + digits(ci[0], 3) + ", " + digits(ci[1], 3) + "]"
		}
		at := fmt.Sprintf(", batch %d, %d thread", s.Latency.Batch, s.Latency.Threads)
		if s.Latency.Threads != 1 {
			at += "s"
		}
		rows = append(rows,
			row{"latency, median" + at, milliseconds(t.Latency.P50), milliseconds(s.Latency.P50), ratio},
			row{"latency, 95%", milliseconds(t.Latency.P95), milliseconds(s.Latency.P95), quotient(t.Latency.P95, s.Latency.P95)},
			row{"latency, 99%", milliseconds(t.Latency.P99), milliseconds(s.Latency.P99), quotient(t.Latency.P99, s.Latency.P99)},
			row{"session start", milliseconds(t.LoadMS), milliseconds(s.LoadMS), quotient(t.LoadMS, s.LoadMS)})
	}
	if a := r.Accuracy; a != nil {
		rows = append(rows, row{
			"accuracy % on " + plain(a.Set),
			percent(a.Teacher) + " " + percentInterval(a.CI95.Teacher),
			percent(a.Student) + " " + percentInterval(a.CI95.Student),
			fmt.Sprintf("%+.2f points", 100*(a.Student-a.Teacher)),
		})
	}
	return rows
}

func ratioOf(r float64) string {
	if r == 0 {
		return ""
	}
	return times(r)
}

func quotient(a, b float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return times(a / b)
}

// value writes a bound or what was got in the budget's unit.
func (b Budget) value(v float64) string {
	switch b.Unit {
	case "bytes":
		return byteSize(int64(v))
	case "ms":
		return milliseconds(v)
	case "":
		return percent(v) + "%"
	}
	return digits(v, 4) + " " + b.Unit
}

// trimLines cuts the blanks that tabwriter leaves at the ends of lines.
func trimLines(b []byte) []byte {
	lines := bytes.Split(b, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimRight(lines[i], " ")
	}
	return bytes.Join(lines, []byte("\n"))
}
