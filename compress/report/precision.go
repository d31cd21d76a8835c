// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Precision is what became of a float model that smaller number types were tried
// on: every form as it was measured on this processor, side by side with the
// float model, and which was taken.
type Precision struct {
	Schema  int    `json:"schema"`
	Verdict string `json:"verdict"`
	Model   Model  `json:"model"` // the float model
	Asked   string `json:"asked"`
	Chosen  string `json:"chosen"`
	// Reference is the model that agreement is with.
	Reference string  `json:"reference"`
	Out       string  `json:"out,omitempty"`
	MaxDrop   float64 `json:"max_drop"`
	// Forms begin with the float model.
	Forms       []Form         `json:"forms"`
	Calibration Calibration    `json:"calibration"`
	Layers      []LayerNote    `json:"layers_in_float,omitempty"`
	Sizes       []TensorSize   `json:"sizes,omitempty"`
	Processor   Processor      `json:"processor"`
	Contract    ContractResult `json:"contract"`
	Budgets     []Budget       `json:"budgets"`
	Warnings    []string       `json:"warnings"`
	Command     string         `json:"command,omitempty"`
	Seed        uint64         `json:"seed"`
	DurationS   float64        `json:"duration_s"`
	Versions    Versions       `json:"versions"`
}

// Form is one form of the model. Ratios divide the float model's figure by
// this one's: above 1 it is the smaller or faster.
type Form struct {
	Name       string      `json:"name"`
	Note       string      `json:"note,omitempty"`
	Bytes      int64       `json:"bytes"`
	BytesRatio float64     `json:"bytes_ratio"`
	Latency    LatencyStat `json:"latency_ms"`
	Ratio      float64     `json:"latency_ratio"`
	RatioCI95  Interval    `json:"latency_ratio_ci95"`
	// Fidelity is agreement with the reference, on samples that calibrated nothing.
	Fidelity Fidelity `json:"fidelity"`
	// Error is the energy of the difference of the outputs over theirs.
	Error float64 `json:"error"`
	// Integer layers are those that ONNX Runtime computes with integers here.
	Integer int `json:"integer_layers"`
	// Verdict says why it was taken or not.
	Verdict string `json:"verdict"`
	// Failed says that it cannot be taken: why it could not be made, "" if it could.
	Failed string `json:"failed,omitempty"`
}

// Calibration says what decided the ranges.
type Calibration struct {
	Samples int     `json:"samples"`
	Method  string  `json:"method,omitempty"`
	Tensors int     `json:"tensors"`
	Errors  []Tried `json:"tried,omitempty"`
}

// Tried is a calibrator and the error it left.
type Tried struct {
	Name  string  `json:"name"`
	Error float64 `json:"error"`
}

// LayerNote is a layer that stays in float, and why.
type LayerNote struct {
	Node string `json:"node"`
	Op   string `json:"op"`
	Why  string `json:"why"`
	// Error is what rounding it alone costs, where that was measured.
	Error float64 `json:"error,omitempty"`
}

// TensorSize is what a stored tensor takes before and after.
type TensorSize struct {
	Tensor string `json:"tensor"`
	Before int    `json:"before_bytes"`
	Type   string `json:"type"`
	After  int    `json:"after_bytes"`
}

// Processor says what this processor does with small numbers.
type Processor struct {
	Integers string `json:"integers"` // as activations and weights are stored
	Hint     string `json:"hint"`
}

// mostSizes bounds the tensors that are printed.
const mostSizes = 10

// WriteText writes the verdict, the forms and the sizes for a terminal.
func (p *Precision) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "VERDICT  %s\n\n", p.Verdict)
	p.textForms(&b)
	if len(p.Sizes) > 0 {
		b.WriteByte('\n')
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "tensor\tbefore\tafter\tstored as\n")
		for _, s := range p.Sizes[:min(len(p.Sizes), mostSizes)] {
			stored := s.Type
			if stored == "" {
				stored = "part of another"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", plain(s.Tensor), byteSize(int64(s.Before)), byteSize(int64(s.After)), stored)
		}
		t.Flush()
	}
	b.WriteByte('\n')
	if c := p.Calibration; c.Method != "" {
		fmt.Fprintf(&b, "calibrated %s tensors by %s on %s samples\n", count(c.Tensors), c.Method, count(c.Samples))
	}
	for _, l := range p.Layers {
		fmt.Fprintf(&b, "in float: %s %s: %s\n", l.Op, plain(l.Node), plain(l.Why))
	}
	fmt.Fprintf(&b, "processor: %s\n", p.Processor.Hint)
	for _, d := range p.Contract.Differences {
		fmt.Fprintf(&b, "contract %s: %s: %s\n", d.Severity, d.Where, d.Text)
	}
	textEnd(&b, p.Budgets, p.Warnings)
	_, err := w.Write(trimLines(b.Bytes()))
	return err
}

// textForms writes the table of what was measured.
func (p *Precision) textForms(b *bytes.Buffer) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	at := ""
	if len(p.Forms) > 0 {
		at = fmt.Sprintf(", batch %d", p.Forms[0].Latency.Batch)
	}
	fmt.Fprintf(t, "\tfile\tsmaller\tlatency%s\tfaster\tagreement %%\tverdict\n", at)
	for _, c := range p.Forms {
		cells := c.cells()
		if c.Name == p.Chosen {
			cells[0] = "> " + cells[0]
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	t.Flush()
}

// cells are a form's row of a table: name, bytes, how much smaller, latency, how much
// faster, agreement, verdict.
func (c Form) cells() []string {
	if c.Failed != "" {
		return []string{c.Name, "", "", "", "", "", "not made: " + plain(c.Failed)}
	}
	agreement := ""
	if f := c.Fidelity; f.Samples > 0 {
		agreement = percent(f.Agreement) + " " + percentInterval(f.AgreementCI95)
	}
	return []string{c.Name, byteSize(c.Bytes), times(c.BytesRatio), milliseconds(c.Latency.P50),
		fmt.Sprintf("%s [%s, %s]", times(c.Ratio), digits(c.RatioCI95[0], 3), digits(c.RatioCI95[1], 3)), agreement, c.Verdict}
}

// Rows are the forms as a table's cells.
func (p *Precision) Rows() [][]string {
	var rows [][]string
	for _, c := range p.Forms {
		rows = append(rows, c.cells())
	}
	return rows
}

// JSON is the report as one line.
func (p *Precision) JSON() ([]byte, error) {
	p.Schema = Schema
	b, err := json.Marshal(p)
	return append(b, '\n'), err
}

// Slower says that the whole interval of the form's speed lies below that of
// the float model.
func (c Form) Slower() bool { return c.RatioCI95[1] <= 1/same }

// Faster says that the whole interval lies above.
func (c Form) Faster() bool { return c.RatioCI95[0] >= same }

// Cost is what a form takes in bytes and in time as shares of the float
// model's, multiplied; a speed that may be no change counts as none.
func (c Form) Cost() float64 {
	cost := 1 / c.BytesRatio
	if c.Slower() || c.Faster() {
		cost /= c.Ratio
	}
	return cost
}

// SlowerWords says by how much a form is slower.
func (c Form) SlowerWords() string {
	return fmt.Sprintf("%s slower than float here", times(1/c.Ratio))
}

// WorseWords says by how much a form misses the bound on agreement.
func WorseWords(drop, maxDrop float64) string {
	return fmt.Sprintf("loses %s points of agreement, more than %s", digits(100*drop, 3), digits(100*maxDrop, 3))
}

// SmallerWords are for the verdict: "3.9x smaller, 2.1x faster at batch 1, agrees
// with" the reference on so many inputs.
func (c Form) SmallerWords(reference string) string {
	size := "of the same size"
	switch {
	case c.BytesRatio >= same:
		size = times(c.BytesRatio) + " smaller"
	case c.BytesRatio <= 1/same:
		size = times(1/c.BytesRatio) + " larger"
	}
	speed := "no faster"
	switch {
	case c.Faster():
		speed = times(c.Ratio) + " faster"
	case c.Slower():
		speed = times(1/c.Ratio) + " slower"
	}
	words := fmt.Sprintf("%s, %s at batch %d", size, speed, c.Latency.Batch)
	if f := c.Fidelity; f.Samples > 0 {
		words += fmt.Sprintf(", agrees with %s on %s%% %s of %s inputs", reference, percent(f.Agreement), percentInterval(f.AgreementCI95), count(f.Samples))
	}
	return words
}
