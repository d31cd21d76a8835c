// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

//go:embed report.html.tmpl
var pageSource string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent":  percent,
	"count":    func(n int) string { return count(n) },
	"nats":     nats,
	"digits":   func(v float64) string { return digits(v, 3) },
	"seconds":  seconds,
	"plain":    plain,
	"bytesize": byteSize,
	"value":    Budget.value,
}).Parse(pageSource))

// HTML is the report as one page that needs nothing else: styles and charts
// are inside, there is no script and no link. Whatever comes from a file is
// escaped.
func (r *Report) HTML() ([]byte, error) {
	v := view{Report: r, Words: prettyTimes(r.verdict()), Rows: r.rows(), Sets: r.sets(), Tables: fidelityTables(r.sets())}
	for i := range v.Rows {
		v.Rows[i].Ratio = prettyTimes(v.Rows[i].Ratio)
	}
	v.Tiles = r.tiles()
	var err error
	if v.Latency, err = latencyChart(r.Teacher.Latency, r.Student.Latency); err != nil {
		return nil, err
	}
	if r.Training != nil {
		if v.Agreement, err = r.Training.agreementCurve(); err != nil {
			return nil, err
		}
		if v.Loss, err = r.Training.lossCurve(); err != nil {
			return nil, err
		}
	}
	if len(r.Config) > 0 {
		var b bytes.Buffer
		if err := json.Indent(&b, r.Config, "", "  "); err != nil {
			return nil, fmt.Errorf("report: config: %w", err)
		}
		v.ConfigText = b.String()
	}
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// WriteHTML writes the page to path as WriteJSON does.
func (r *Report) WriteHTML(path string) error {
	b, err := r.HTML()
	if err != nil {
		return err
	}
	return replaceFile(path, b)
}

// view is what the page's template sees.
type view struct {
	*Report
	Words      string
	Tiles      []tile
	Rows       []row
	Sets       []Fidelity
	Tables     []fidelityTable
	Latency    template.HTML
	Agreement  template.HTML
	Loss       template.HTML
	ConfigText string
}

// tile is a headline number. State is "good", "bad" or "".
type tile struct{ Label, Value, Note, State string }

func (r *Report) tiles() []tile {
	var t []tile
	if r.Ratio.Bytes != 0 {
		_, good := r.sizeWords()
		t = append(t, tile{"size", prettyTimes(factor(r.Ratio.Bytes)), ratioWord(r.Ratio.Bytes, good, "smaller", "larger"), ""})
	}
	if r.Ratio.LatencyP50 != 0 {
		_, good := r.speedWords()
		t = append(t, tile{"speed", prettyTimes(factor(r.Ratio.LatencyP50)),
			fmt.Sprintf("%s at batch %d", ratioWord(r.Ratio.LatencyP50, good, "faster", "slower"), r.Student.Latency.Batch), ""})
	}
	if f := r.Fidelity; f.Samples > 0 {
		value, interval := percent(f.Agreement)+"%", percentInterval(f.AgreementCI95)
		if m := f.measured(); m == MeasureR2 || m == MeasureCosine {
			value, interval = coefficient(f.Agreement), coefficients(f.AgreementCI95)
		}
		t = append(t, tile{f.measured(), value, "95% interval " + interval, ""})
	}
	switch words, broken := strings.CutPrefix(r.contractWords(), "drop-in contract broken "); {
	case r.Contract.OK:
		t = append(t, tile{"contract", "holds", "a drop-in replacement", "good"})
	case broken:
		t = append(t, tile{"contract", "broken", words, "bad"})
	default:
		t = append(t, tile{"contract", "unknown", "not checked", ""})
	}
	if n := len(r.Budgets); n > 0 {
		met := 0
		for _, b := range r.Budgets {
			if b.OK {
				met++
			}
		}
		state := "good"
		if met < n {
			state = "bad"
		}
		t = append(t, tile{"budgets", fmt.Sprintf("%d of %d", met, n), "kept", state})
	}
	return t
}

// factor turns a ratio so that it is at least 1; ratioWord says which way.
func factor(r float64) string {
	if r < 1 {
		r = 1 / r
	}
	return times(r)
}

func ratioWord(r float64, gain bool, up, down string) string {
	switch {
	case gain:
		return up
	case r <= 1/same:
		return down
	}
	return "no gain"
}

// prettyTimes writes "24.1x" with a multiplication sign.
func prettyTimes(s string) string {
	out := []rune(s)
	for i := 1; i < len(out); i++ {
		if out[i] == 'x' && out[i-1] >= '0' && out[i-1] <= '9' {
			out[i] = '×'
		}
	}
	return string(out)
}

// ClassName is the name of a class of the set, its number where it has none.
func (f Fidelity) ClassName(class int) string {
	switch {
	case class < 0:
		return "not a number"
	case class < len(f.ClassNames):
		return plain(f.ClassNames[class])
	}
	return count(class)
}

// bar is one class of a histogram, its length in percent of the longest.
type bar struct {
	Class  int
	Count  int
	Length float64
}

// mostBars bounds the classes that the page draws.
const mostBars = 50

// Bars lists the first classes for the page.
func (h *ClassHistogram) Bars() []bar {
	var most int64 = 1
	for _, c := range h.Counts {
		most = max(most, c)
	}
	var b []bar
	for i, c := range h.Counts {
		if i == mostBars {
			break
		}
		b = append(b, bar{i, int(c), 100 * float64(c) / float64(most)})
	}
	return b
}
