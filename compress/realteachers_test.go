// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
)

// TestSuperres distils a teacher that enlarges pictures: numbers at every place,
// which only a convolutional student can give.
func TestSuperres(t *testing.T) {
	c := tiny(t)
	c.Teacher = shared(t, "teachers/superres.onnx")
	const n, size = 10, 224
	v := make([]float32, n*size*size)
	for i := range n {
		for y := range size {
			for x := range size {
				a, b := float64(i%4+1)/9, float64(i%3+2)/13
				v[(i*size+y)*size+x] = float32(0.5 + 0.3*math.Sin(a*float64(x)+float64(i)) + 0.2*math.Cos(b*float64(y)))
			}
		}
	}
	c.Data.Path = writeNPY(t, []int{n, 1, size, size}, v)
	c.Student, c.Batch, c.Epochs, c.Rate, c.Held = "fcn:width=4,depth=1", 2, 25, 0.02, 0.2
	r, events := run(t, c)
	if f := r.Report.Fidelity; f.Measure != report.MeasureR2 || f.Agreement < 0.7 || f.Samples != 2 {
		t.Errorf("%s %.4f on %d pictures", f.Measure, f.Agreement, f.Samples)
	}
	if r.Report.Ratio.Bytes < 10 || r.Report.Ratio.LatencyP50 < 3 || !r.Report.Contract.OK {
		t.Errorf("%s", r.Report.Verdict)
	}
	if !said(events, "451584 numbers a sample; nothing in the file says what output \"output\" means") {
		t.Error("what was guessed is not said")
	}
}

// said says whether an event's message contains words.
func said(events []Event, words string) bool {
	for _, e := range events {
		if strings.Contains(e.Message, words) {
			return true
		}
	}
	return false
}

// TestForest distils a gradient-boosted forest written as tensor operators. Both
// outputs follow from the same scores, and the student has both.
func TestForest(t *testing.T) {
	c := tiny(t)
	c.Teacher = shared(t, "teachers/tract-lgbm-classifier.onnx")
	mean := []float64{13, 2.34, 2.37, 19.5, 99.7, 2.3, 2.03, 0.36, 1.59, 5.06, 0.957, 2.61, 747}
	deviation := []float64{0.81, 1.12, 0.27, 3.34, 14.3, 0.63, 1, 0.12, 0.57, 2.32, 0.23, 0.71, 315}
	r := rand.New(rand.NewPCG(1, 2))
	const n = 4000
	v := make([]float32, 13*n)
	for i := range v {
		v[i] = float32(mean[i%13] + deviation[i%13]*r.NormFloat64())
	}
	c.Data.Path = writeNPY(t, []int{n, 13}, v)
	c.Data.Mean, c.Data.Std = nil, nil
	c.Student, c.Batch, c.Epochs, c.Rate = "tabular:width=32", 64, 30, 0.01
	got, _ := run(t, c)
	if f := got.Report.Fidelity; f.Agreement < 0.8 || f.Measure != "" {
		t.Errorf("%s %.4f", f.Measure, f.Agreement)
	}
	if !got.Report.Contract.OK || len(got.Report.FidelitySets) != 0 {
		t.Errorf("%s, %d more sets", got.Report.Verdict, len(got.Report.FidelitySets))
	}
}

// TestBytesTagger distils a bidirectional LSTM that answers at every byte of a
// text of any length; a student for one length is refused before it is trained.
func TestBytesTagger(t *testing.T) {
	c := tiny(t)
	c.Teacher = shared(t, "teachers/tract-bidi-lstm-bytes.onnx")
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]int64, 1500*12)
	for i := range v {
		v[i] = int64("etaoin shrdlu.,"[r.IntN(15)])
	}
	c.Data.Path = writeNPY(t, []int{1500, 12}, v)
	c.Student, c.Batch, c.Epochs, c.Rate = "tcn:width=16,depth=2", 32, 8, 0.01
	got, _ := run(t, c)
	f := got.Report.Fidelity
	if f.Agreement < 0.85 || f.Answers != 12*f.Samples {
		t.Errorf("agreement %.4f on %d answers of %d texts", f.Agreement, f.Answers, f.Samples)
	}
	runs := got.Report.Contract.Runs
	if !got.Report.Contract.OK || len(runs) != 7 || runs[6].Sizes == nil {
		t.Errorf("%s, runs %+v", got.Report.Verdict, runs)
	}
	c.Student, c.Out = "mlp:width=8", t.TempDir()
	_, err := Run(context.Background(), c, nil)
	oneLine(t, err, "it takes inputs of other sizes than the data's, such as [[24]] a sample, and student mlp:width=8 does not: choose one that reads any size")
	nothingDeployed(t, c.Out)
}

// TestNothingToWin says so for a teacher that is smaller than any student.
func TestNothingToWin(t *testing.T) {
	c := tiny(t)
	c.Teacher, c.Data = shared(t, "teachers/mnist-12.onnx"), Data{Path: mnist(t, "t10k-images-idx3-ubyte.gz"), Limit: 600, Scale: 1}
	c.Student = "auto"
	r, events := run(t, c)
	if !said(events, "little to be won") {
		t.Error("no word of a teacher that is small already")
	}
	if !r.Report.Contract.OK {
		t.Errorf("%s", r.Report.Verdict)
	}
}

// TestStateRefused names what hands a state from call to call, and what to do instead.
func TestStateRefused(t *testing.T) {
	c := tiny(t)
	c.Teacher = shared(t, "teachers/silero-vad.onnx")
	c.Data.Path = writeNPY(t, []int{300, 512}, make([]float32, 300*512))
	_, err := Run(context.Background(), c, nil)
	oneLine(t, err, `input "state" and output "stateN" hand a state from one call to the next`)
	oneLine(t, err, "export the model over whole sequences")
	nothingDeployed(t, c.Out)
}
