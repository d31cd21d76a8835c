// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// fixture is a report with every part, of numbers made up from a fixed seed.
func fixture() *Report {
	rng := rand.New(rand.NewPCG(11, 12))
	number := func(v float64) *float64 { return &v }
	whole := func(v int64) *int64 { return &v }
	stat := func(centre, spread float64) LatencyStat {
		ms := make([]float64, 800)
		for i := range ms {
			ms[i] = centre * math.Exp(spread*math.Abs(rng.NormFloat64()))
			if rng.IntN(40) == 0 {
				ms[i] *= 1.6
			}
			ms[i] = math.Round(1e6*ms[i]) / 1e6
		}
		return LatencyStat{Batch: 1, Threads: 1, Runs: len(ms), Samples: ms, P50: Quantile(0.5, ms), P95: Quantile(0.95, ms), P99: Quantile(0.99, ms)}
	}
	t, s := stat(1.42, 0.06), stat(0.151, 0.09)
	ratio, ci := MedianRatio(t.Samples, s.Samples, 1)
	var curve []CurvePoint
	for e := 1; e <= 20; e++ {
		x := float64(e)
		curve = append(curve, CurvePoint{
			Epoch: e, Loss: 2.4*math.Exp(-x/3) + 0.11 + 0.01*rng.Float64(), Agreement: 0.9936 - 0.07*math.Exp(-x/3.5) - 0.0006*rng.Float64(),
			KL: 0.2*math.Exp(-x/4) + 0.016, LR: 0.002 * (1 + math.Cos(math.Pi*x/20)) / 2, Seconds: 8.4,
		})
	}
	counts := []int64{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}
	r := &Report{
		Teacher: Model{Path: "models/mnist-cnn.onnx", SHA256: "7f1c9f1d0a2f5f7f2b4c3d2e1f00112233445566778899aabbccddeeff001122",
			Bytes: 4812345, Params: 1199882, MACs: whole(12345678), Latency: t, LoadMS: 6.12},
		Student: Model{Path: "out/student.onnx", SHA256: "0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d0e0f",
			Bytes: 199680, Params: 49210, MACs: whole(834560), Latency: s, LoadMS: 1.07},
		Ratio: Ratio{LatencyP50: ratio, LatencyP50CI95: &ci},
		Fidelity: Fidelity{Set: "MNIST test images", Samples: 10000, Answers: 10000, Agreement: 0.9931, AgreementCI95: Wilson(9931, 10000),
			KL: number(0.0183), MaxAbsDiff: number(7.31),
			Worst: []Disagreement{
				{Name: "row 2131", KL: number(4.8123), Teacher: 4, Student: 9}, {Name: "row 8409", KL: number(4.1017), Teacher: 8, Student: 6},
				{Name: "row 583", KL: number(3.9442), Teacher: 8, Student: 2}, {Name: "row 1902", KL: number(3.5120), Teacher: 9, Student: 4},
				{Name: "row 6577", KL: number(3.2001), Teacher: 0, Student: 7}, {Name: "row 4741", KL: number(2.9990), Teacher: 3, Student: 5},
			},
			Confusions:     []Confusion{{4, 9, 12}, {7, 2, 9}, {3, 5, 8}, {9, 4, 6}, {8, 3, 5}, {6, 0, 3}},
			TeacherClasses: Histogram([]int64{981, 1134, 1031, 1011, 984, 890, 957, 1027, 975, 1010}),
		},
		FidelitySets: []Fidelity{{Set: "held-out tenth of the transfer set", ChoseEpoch: true, Samples: 6000, Answers: 6000,
			Agreement: 0.9938, AgreementCI95: Wilson(0.9938*6000, 6000), KL: number(0.0164)}},
		Accuracy: &Accuracy{Set: "MNIST test images", Teacher: 0.9952, Student: 0.9917, Samples: 10000,
			CI95: AccuracyCI95{Wilson(9952, 10000), Wilson(9917, 10000)}},
		Budgets: []Budget{
			{Name: "size", Bound: "at most", Wanted: 250000, Got: 199680, Unit: "bytes", OK: true},
			{Name: "latency", Bound: "at most", Wanted: 0.1, Got: s.P50, Unit: "ms", OK: false},
			{Name: "agreement", Bound: "at least", Wanted: 0.99, Got: 0.9931, OK: true},
		},
		Training: &Training{Epochs: 20, BestEpoch: 18, SelectedOn: "held-out tenth of the transfer set", Curve: curve},
		Transfer: &Transfer{Source: "train-images-idx3-ubyte.gz", Samples: 54000, Classes: Histogram(counts), Preprocessing: "(x / 255 - 0.1307) / 0.3081, float32, [1, 28, 28]"},
		Warnings: []string{"12 of 60,012 samples could not be read and were left out"},
		Command:  "kdcompress distill --teacher models/mnist-cnn.onnx --data train-images-idx3-ubyte.gz --out out",
		Seed:     1, DurationS: 174.2,
		Versions: Versions{KDCompress: "0.1.0", Go: "go1.26.8", ONNXRuntime: "1.30.0", CPU: "AMD EPYC, 2 cores", OS: "linux/amd64"},
		Config:   json.RawMessage(`{"student":"convnet","loss":"kl","temperature":4,"epochs":20,"batch":128,"lr":0.002}`),
	}
	r.SetRatios()
	r.SetContract([]Difference{{Notes, `metadata "author"`, "the teacher carries it, the student does not"}},
		[]RunCheck{{Batch: 1}, {Batch: 2}, {Batch: 5}, {Batch: 1, Optimised: true}, {Batch: 2, Optimised: true}, {Batch: 5, Optimised: true}})
	return r
}

// golden compares got with a file under testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("differs from %s (go test -update rewrites it); got\n%s", path, got)
	}
}
