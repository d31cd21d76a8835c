// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
)

// TestPrecisionShown: text and page name every form, what was taken, and why the
// others were not; what comes from files is escaped.
func TestPrecisionShown(t *testing.T) {
	fast := Form{Name: "int8 static", Bytes: 1000, BytesRatio: 4, Ratio: 2, RatioCI95: Interval{1.9, 2.1}, Verdict: "taken",
		Fidelity: Fidelity{Samples: 100, Agreement: 0.99, AgreementCI95: Interval{0.95, 1}}}
	slow := Form{Name: "fp16", Bytes: 2000, BytesRatio: 2, Ratio: 0.5, RatioCI95: Interval{0.4, 0.6}}
	slow.Verdict = slow.SlowerWords()
	if !slow.Slower() || slow.Faster() || !fast.Faster() || fast.Slower() || fast.Cost() != 1.0/8 || slow.Cost() != 1 {
		t.Errorf("costs %v and %v", fast.Cost(), slow.Cost())
	}
	p := &Precision{Verdict: "int8 static is " + fast.SmallerWords("it"), Chosen: fast.Name, Processor: Processor{Hint: "a hint"},
		Forms: []Form{fast, slow, {Name: "int8 dynamic", Failed: "no <MatMul>"}}, Sizes: []TensorSize{{"w", 4000, "int8", 1000}},
		Calibration: Calibration{Method: "mse", Samples: 7, Tensors: 3}, Layers: []LayerNote{{Node: "n", Op: "Conv", Why: "because"}}}
	var text strings.Builder
	if err := p.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	page, err := (&Report{Precision: p}).HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"> int8 static", "4.0x smaller, 2.0x faster", "2.0x slower than float here", "not made: no <MatMul>", "4.00 kB", "in float: Conv n: because", "a hint", "by mse on 7 samples"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	for _, want := range []string{"Number types", "int8 static", "not made: no &lt;MatMul&gt;", "slower than float here"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in the page", want)
		}
	}
}
