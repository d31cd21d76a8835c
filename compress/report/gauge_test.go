// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// TestGauges compares four samples by hand, by every measure but that of classes.
func TestGauges(t *testing.T) {
	set := points(t, corners, nil)
	nan := float32(math.NaN())
	for _, c := range []struct {
		name             string
		task             rewrite.Task
		scores           Scores
		dims             []int64
		teacher, student [4][]float32
		value            float64
		check            func(f Fidelity) bool
		worst            int // the first of the worst, -1 for none
	}{
		{"numbers, equal", rewrite.Regress, Logits, []int64{2}, [4][]float32{{1, 5}, {2, 5}, {3, 5}, {4, 5}}, [4][]float32{{1, 5}, {2, 5}, {3, 5}, {4, 5}}, 1,
			func(f Fidelity) bool { return *f.MaxAbsDiff == 0 && *f.RMSE == 0 && *f.RelativeError == 0 }, -1},
		// Variances 1.25 and 12500; errors 0.5 in two rows of the first column alone.
		{"numbers of different units", rewrite.Regress, Logits, []int64{2}, [4][]float32{{1, 100}, {2, 200}, {3, 300}, {4, 400}},
			[4][]float32{{1.5, 100}, {2, 200}, {3, 300}, {3.5, 400}}, 1 - 0.125/1.25/2,
			func(f Fidelity) bool { return *f.MaxAbsDiff == 0.5 && math.Abs(*f.RMSE-math.Sqrt(0.5/8)) < 1e-9 }, 0},
		// All numbers of a picture count together: 8 values, squared errors 0.25+0.25.
		{"a picture", rewrite.Regress, Logits, []int64{1, 2}, [4][]float32{{1, 100}, {2, 200}, {3, 300}, {4, 400}},
			[4][]float32{{1.5, 100}, {2, 200}, {3, 300}, {3.5, 400}}, 1 - 0.5/(4*12501.25), func(f Fidelity) bool { return true }, 0},
		{"worse than the mean", rewrite.Regress, Logits, nil, [4][]float32{{0}, {0}, {2}, {2}}, [4][]float32{{2}, {2}, {0}, {0}}, -3,
			func(f Fidelity) bool { return *f.RelativeError == 1 }, 0},
		{"a number missing", rewrite.Regress, Logits, nil, [4][]float32{{0}, {1}, {2}, {3}}, [4][]float32{{0}, {1}, {nan}, {3}}, 1,
			func(f Fidelity) bool { return f.NonFinite == 1 && f.Worst[0].Error == nil }, 2},
		{"embeddings", rewrite.Embed, Logits, []int64{2}, [4][]float32{{1, 0}, {0, 1}, {1, 1}, {2, 0}}, [4][]float32{{2, 0}, {0, 3}, {1, 0}, {0, 1}},
			(2 + math.Sqrt2/2) / 4, func(f Fidelity) bool { return *f.LeastCosine == 0 }, 3},
		{"labels by probability", rewrite.Multilabel, Probabilities, []int64{2}, [4][]float32{{0.9, 0.1}, {0.9, 0.1}, {0.6, 0.6}, {0.4, 0.4}},
			[4][]float32{{0.9, 0.1}, {0.1, 0.1}, {0.6, 0.4}, {0.4, 0.4}}, 0.75, func(f Fidelity) bool {
				// KL(0.9||0.1) and KL(0.6||0.4), over four samples.
				return *f.ExactMatch == 0.5 && math.Abs(*f.KL-(0.8*math.Log(9)+0.2*math.Log(1.5))/4) < 1e-6
			}, 1},
		{"labels by log-odds", rewrite.Multilabel, Logits, []int64{1}, [4][]float32{{2}, {-2}, {2}, {-2}}, [4][]float32{{2}, {-2}, {2}, {2}}, 0.75,
			func(f Fidelity) bool { return f.Answers == 4 && *f.ExactMatch == 0.75 }, 3},
		{"decisions", rewrite.Multilabel, ClassIDs, []int64{2}, [4][]float32{{1, 0}, {0, 0}, {1, 1}, {0, 1}}, [4][]float32{{1, 0}, {0, 0}, {1, 1}, {1, 0}}, 0.75,
			func(f Fidelity) bool { return f.KL == nil }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			side := Side{Scores: c.scores}
			g, err := newGauge(CompareConfig{Teacher: side, Student: side, Task: c.task, Set: set, Name: "corners"}, c.dims, c.dims)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				g.add(i, c.teacher[i], c.student[i])
			}
			f := g.fidelity()
			if math.Abs(f.Agreement-c.value) > 1e-6 || f.AgreementCI95[0] > f.Agreement || f.AgreementCI95[1] < f.Agreement || f.Samples != 4 || g.accuracy() != nil {
				t.Errorf("%s %.7f %v, want %.7f", f.measured(), f.Agreement, f.AgreementCI95, c.value)
			}
			if !c.check(f) {
				t.Errorf("fidelity %+v", f)
			}
			switch {
			case c.worst < 0 && len(f.Worst) > 0:
				t.Errorf("worst inputs %+v", f.Worst)
			case c.worst >= 0 && (len(f.Worst) == 0 || f.Worst[0].Name != set.Name(c.worst)):
				t.Errorf("worst inputs %+v, want %s first", f.Worst, set.Name(c.worst))
			}
			r := &Report{Fidelity: f}
			page, err := r.HTML()
			if err != nil || !bytes.Contains(page, []byte(fidelityColumns(f)[0].Head)) {
				t.Errorf("the page does not name the measure: %v", err)
			}
			var text bytes.Buffer
			if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), fidelityColumns(f)[0].Head) {
				t.Errorf("the text does not name the measure: %v\n%s", err, &text)
			}
		})
	}
}

// TestGaugesRefuse says what cannot be compared.
func TestGaugesRefuse(t *testing.T) {
	for _, task := range []rewrite.Task{rewrite.Regress, rewrite.Embed, rewrite.Multilabel} {
		if _, err := newGauge(CompareConfig{Task: task}, []int64{2}, []int64{3}); err == nil || !strings.Contains(err.Error(), "shape [2], the student with [3]") {
			t.Errorf("%s: %v", task, err)
		}
	}
}
