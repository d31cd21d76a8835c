// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// renderedPage renders a report and holds it to what every page must be: well formed,
// free of scripts and of anything fetched from elsewhere.
func renderedPage(t *testing.T, r *Report) string {
	t.Helper()
	b, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	d.Entity = xml.HTMLEntity
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements++
		switch e.Name.Local {
		case "script", "link", "iframe", "object", "embed", "img", "image", "base", "form":
			t.Errorf("the page holds <%s>", e.Name.Local)
		}
		for _, a := range e.Attr {
			name := strings.ToLower(a.Name.Local)
			if strings.HasPrefix(name, "on") || name == "src" || name == "href" || strings.Contains(strings.ToLower(a.Value), "javascript:") {
				t.Errorf("the page holds <%s %s=%q>", e.Name.Local, name, a.Value)
			}
		}
	}
	if elements < 50 {
		t.Errorf("only %d elements", elements)
	}
	for _, s := range []string{"http://", "https://", "url(", "@import", "<?xml", "ZgotmplZ"} {
		if strings.Contains(string(b), s) {
			t.Errorf("the page holds %q", s)
		}
	}
	return string(b)
}

func TestHTML(t *testing.T) {
	r := fixture()
	text := renderedPage(t, r)
	for _, want := range []string{"24.1×", "99.31", r.Teacher.SHA256, r.Student.SHA256, "row 2131", "ONNX Runtime 1.30.0", "kdcompress distill --teacher"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(text, "<svg"); n != 3 {
		t.Errorf("%d charts, want 3", n)
	}
	again, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != text {
		t.Error("the same report gives another page")
	}
}

func TestHTMLEscapesHostileNames(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	r := fixture()
	student := signature()
	student.Graph.Inputs[0].Name = hostile
	r.SetContract(Contract(signature(), student), []RunCheck{{Batch: 1, Error: hostile}})
	r.Teacher.Path, r.Student.Path, r.Command = hostile, hostile, hostile
	r.Fidelity.Worst[0].Name, r.Fidelity.Set = hostile, hostile
	r.Fidelity.ClassNames = []string{hostile, hostile, hostile, hostile, hostile}
	r.Warnings = []string{hostile}
	r.Budgets[0].Name, r.Transfer.Source, r.Transfer.Preprocessing = hostile, hostile, hostile
	r.Training.SelectedOn = hostile
	r.Config = []byte(`{"teacher":"\"><script>alert(1)</script>"}`)
	text := renderedPage(t, r)
	if strings.Contains(text, "<script") || strings.Contains(text, "<img") {
		t.Error("a hostile name reached the page as markup")
	}
	if !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the hostile name is not shown at all")
	}
}

func TestHTMLOfSparseReports(t *testing.T) {
	for name, r := range map[string]*Report{
		"empty":      {},
		"one epoch":  {Training: &Training{Epochs: 1, BestEpoch: 1, Curve: []CurvePoint{{Epoch: 1, Loss: 1, Agreement: 0.5, KL: 0.1}}}},
		"zero loss":  {Training: &Training{Epochs: 2, Curve: []CurvePoint{{Epoch: 1}, {Epoch: 2, Agreement: 1}}}},
		"equal runs": {Teacher: Model{Latency: LatencyStat{Samples: []float64{1, 1}, Runs: 2, P50: 1}}, Student: Model{Latency: LatencyStat{Samples: []float64{1}, Runs: 1, P50: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			if text := renderedPage(t, r); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Error("the page shows NaN or Inf")
			}
		})
	}
}

func TestWriteHTML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := fixture().WriteHTML(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("<!doctype html>")) {
		t.Errorf("the file begins with %.40q", b)
	}
}
