// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"math"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Proof compares the distilled student with a control: the same student, trained
// in the same way without distillation.
type Proof struct {
	// Control says what the control learned from.
	Control string `json:"control"`
	// Set is what both were measured on, Metric what was measured: "accuracy"
	// where there are labels, else "agreement" with the teacher's choices.
	Set     string `json:"set"`
	Metric  string `json:"metric"`
	Samples int    `json:"samples"`
	// Teacher is the teacher's accuracy, absent where the metric is agreement.
	Teacher *float64   `json:"teacher,omitempty"`
	Runs    []ProofRun `json:"runs"`
	// Difference is distilled minus control at the chosen epochs, the mean over the
	// runs, with its 95% interval: over the inputs, paired, where there is one run,
	// and over the runs (Student's t) where there are more. Last is the same at the
	// last epochs.
	Difference     float64  `json:"difference"`
	DifferenceCI95 Interval `json:"difference_ci95"`
	Last           float64  `json:"difference_last_epoch"`
	LastCI95       Interval `json:"difference_last_epoch_ci95"`
}

// ProofRun is one seed: shares of the samples.
type ProofRun struct {
	Seed      uint64   `json:"seed"`
	Distilled TwoRates `json:"distilled"`
	Control   TwoRates `json:"control"`
}

// TwoRates are those of the epoch chosen on held-out samples and of the last one.
type TwoRates struct {
	Best float64 `json:"best"`
	Last float64 `json:"last"`
}

// Rate is the share of hits.
func Rate(hits []bool) float64 {
	n := 0
	for _, h := range hits {
		if h {
			n++
		}
	}
	return float64(n) / float64(max(len(hits), 1))
}

// PairedDifference is the mean of a - b over the inputs with its 95% interval by
// the normal approximation of paired differences.
func PairedDifference(a, b []bool) (float64, Interval) {
	if len(a) != len(b) || len(a) == 0 {
		panic("report: a difference needs pairs")
	}
	n := float64(len(a))
	var sum, squares float64
	for i := range a {
		switch {
		case a[i] && !b[i]:
			sum++
			squares++
		case b[i] && !a[i]:
			sum--
			squares++
		}
	}
	mean := sum / n
	half := z95 * math.Sqrt(max(squares/n-mean*mean, 0)/n)
	return mean, Interval{mean - half, mean + half}
}

// MeanInterval is the mean of values with its 95% interval by Student's t, which
// asks for two values at least.
func MeanInterval(v []float64) (float64, Interval) {
	mean, std := stat.MeanStdDev(v, nil)
	n := float64(len(v))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975)
	half := t * std / math.Sqrt(n)
	return mean, Interval{mean - half, mean + half}
}

// textProof writes the comparison with the control.
func (r *Report) textProof(b *bytes.Buffer) {
	p := r.Proof
	if p == nil {
		return
	}
	fmt.Fprintf(b, "\ncontrol: %s; %s on %s %s\n", plain(p.Control), p.Metric, count(p.Samples), plain(p.Set))
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "seed\tdistilled %%\tlast epoch\tcontrol %%\tlast epoch\n")
	for _, x := range p.Runs {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", x.Seed, percent(x.Distilled.Best), percent(x.Distilled.Last), percent(x.Control.Best), percent(x.Control.Last))
	}
	t.Flush()
	fmt.Fprintf(b, "distillation brings %s\n", p.Words())
}

// Words is the difference with its interval, in points.
func (p *Proof) Words() string {
	return fmt.Sprintf("%+.2f points [%+.2f, %+.2f], at the last epoch %+.2f [%+.2f, %+.2f]", 100*p.Difference, 100*p.DifferenceCI95[0], 100*p.DifferenceCI95[1],
		100*p.Last, 100*p.LastCI95[0], 100*p.LastCI95[1])
}
