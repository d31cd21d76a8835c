// SPDX-License-Identifier: Apache-2.0

package report

import "encoding/json"

// Report is report.json. The order of the fields is the order in the file.
// Fields that were not measured are absent, or 0 with Runs or Samples 0.
type Report struct {
	Schema       int             `json:"schema"`
	Verdict      string          `json:"verdict"`
	Teacher      Model           `json:"teacher"`
	Student      Model           `json:"student"`
	Ratio        Ratio           `json:"ratio"`
	Fidelity     Fidelity        `json:"fidelity"`
	FidelitySets []Fidelity      `json:"fidelity_sets,omitempty"`
	Accuracy     *Accuracy       `json:"accuracy,omitempty"`
	Contract     ContractResult  `json:"contract"`
	Budgets      []Budget        `json:"budgets"`
	Precision    *Precision      `json:"precision,omitempty"`
	Training     *Training       `json:"training,omitempty"`
	Proof        *Proof          `json:"proof,omitempty"`
	Transfer     *Transfer       `json:"transfer_set,omitempty"`
	Candidates   []Candidate     `json:"candidates,omitempty"`
	Warnings     []string        `json:"warnings"`
	Command      string          `json:"command,omitempty"`
	Seed         uint64          `json:"seed"`
	DurationS    float64         `json:"duration_s"`
	Versions     Versions        `json:"versions"`
	Config       json.RawMessage `json:"config,omitempty"`
}

// Schema is the layout version that this package writes.
const Schema = 1

// Interval is a closed interval: lower and upper end.
type Interval [2]float64

// Model describes one of the two files. MACs counts multiply-accumulates of one
// run at the latency's batch size divided by that size; it is absent where the
// operators' shapes could not be learned.
type Model struct {
	Path    string      `json:"path"`
	SHA256  string      `json:"sha256"`
	Bytes   int64       `json:"bytes"`
	Params  int64       `json:"params"`
	MACs    *int64      `json:"macs,omitempty"`
	Latency LatencyStat `json:"latency_ms"`
	LoadMS  float64     `json:"load_ms"`
}

// LatencyStat sums up the runs of one session. Quantiles are observed runs, in
// milliseconds; Samples keeps every run in order of time for the chart.
type LatencyStat struct {
	Batch   int       `json:"batch"`
	Threads int       `json:"threads"`
	P50     float64   `json:"p50"`
	P95     float64   `json:"p95"`
	P99     float64   `json:"p99"`
	Runs    int       `json:"runs"`
	Samples []float64 `json:"-"`
}

// Ratio is teacher divided by student: above 1 the student is the smaller or
// faster. A ratio that has no meaning (nothing measured, or 0 below) is absent.
type Ratio struct {
	Bytes          float64   `json:"bytes,omitempty"`
	Params         float64   `json:"params,omitempty"`
	MACs           float64   `json:"macs,omitempty"`
	LatencyP50     float64   `json:"latency_p50,omitempty"`
	LatencyP50CI95 *Interval `json:"latency_p50_ci95,omitempty"`
}

// Fidelity is how far the student answers as the teacher does on one set.
//
// Task and Measure say what the answers are and what Agreement then is: for
// classes ("agreement", also where both are absent) the share of equal ones; for
// labels ("label agreement") the share of equal decisions; for numbers ("R2") the
// share of the teacher's variance explained; for embeddings ("mean cosine") that.
// Output names the output compared where there are several.
//
// Samples counts inputs, Answers the distributions or ids in them (the same for
// a classifier, more where a sample has one answer per position). Agreement is
// the share of answers with the same arg max, its interval Wilson's with n =
// Samples. KL is the mean of KL(teacher || student) in nats at temperature 1,
// absent where the models give class ids only. NonFinite counts answers in
// which a NaN or infinity occurred: they disagree and have no KL.
type Fidelity struct {
	Set            string          `json:"set"`
	Output         string          `json:"output,omitempty"`
	Task           string          `json:"task,omitempty"`
	Measure        string          `json:"measure,omitempty"`
	ChoseEpoch     bool            `json:"chose_epoch"`
	Samples        int             `json:"samples"`
	Answers        int             `json:"answers"`
	Agreement      float64         `json:"agreement"`
	AgreementCI95  Interval        `json:"agreement_ci95"`
	KL             *float64        `json:"kl,omitempty"`
	MaxAbsDiff     *float64        `json:"max_abs_diff,omitempty"`
	RMSE           *float64        `json:"rmse,omitempty"`           // of numbers
	RelativeError  *float64        `json:"relative_error,omitempty"` // mean of |student-teacher|/|teacher| over samples
	LeastCosine    *float64        `json:"least_cosine,omitempty"`   // of embeddings
	ExactMatch     *float64        `json:"exact_match,omitempty"`    // share of samples with all labels equal
	NonFinite      int             `json:"non_finite"`
	Worst          []Disagreement  `json:"worst"`
	Confusions     []Confusion     `json:"confusions"`
	TeacherClasses *ClassHistogram `json:"teacher_classes,omitempty"`
	ClassNames     []string        `json:"class_names,omitempty"`
}

// The measures that Fidelity.Agreement may hold.
const (
	MeasureAgreement = "agreement"
	MeasureLabels    = "label agreement"
	MeasureR2        = "R2"
	MeasureCosine    = "mean cosine"
)

// measured is the measure's name.
func (f Fidelity) measured() string {
	if f.Measure == "" {
		return MeasureAgreement
	}
	return f.Measure
}

// Disagreement is one input on which the two answer differently, in arg max or
// in KL. Teacher and Student are class numbers (of the answer that differs most,
// where a sample has several). KL is absent for models that give ids only. For
// tasks other than classes only Error is set: the root of the mean squared error,
// 1 minus the cosine, or the divergence plus the labels that differ.
type Disagreement struct {
	Name    string   `json:"name"`
	KL      *float64 `json:"kl,omitempty"`
	Error   *float64 `json:"error,omitempty"`
	Teacher int      `json:"teacher"`
	Student int      `json:"student"`
}

// Confusion counts the answers that are class Teacher to the teacher and class
// Student to the student, the two being different.
type Confusion struct {
	Teacher int `json:"teacher"`
	Student int `json:"student"`
	Count   int `json:"count"`
}

// ClassHistogram counts answers by class. Entropy is normalised: 1 where all
// classes are equally frequent, 0 where there is only one.
type ClassHistogram struct {
	Counts  []int64 `json:"counts"`
	Entropy float64 `json:"normalised_entropy"`
}

// Accuracy is measured only where labels are given.
type Accuracy struct {
	Set     string  `json:"set"`
	Teacher float64 `json:"teacher"`
	Student float64 `json:"student"`
	// StudentLast is that of the student of the last epoch, whichever was chosen.
	StudentLast *float64     `json:"student_last_epoch,omitempty"`
	CI95        AccuracyCI95 `json:"ci95"`
	Samples     int          `json:"samples"`
}

// AccuracyCI95 holds the Wilson intervals of both accuracies.
type AccuracyCI95 struct {
	Teacher Interval `json:"teacher"`
	Student Interval `json:"student"`
}

// ContractResult says whether the student can take the teacher's place in a
// program: OK if no difference breaks it and every run went through.
type ContractResult struct {
	OK          bool         `json:"ok"`
	Differences []Difference `json:"differences"`
	Runs        []RunCheck   `json:"runs,omitempty"`
}

// Budget is a bound the user set. Bound is "at most" or "at least"; Unit is the
// unit of Wanted and Got ("bytes", "ms", "" for a share).
type Budget struct {
	Name   string  `json:"name"`
	Bound  string  `json:"bound"`
	Wanted float64 `json:"wanted"`
	Got    float64 `json:"got"`
	Unit   string  `json:"unit"`
	OK     bool    `json:"ok"`
}

// Training tells how the student was trained. SelectedOn names the inputs by
// which the best epoch was chosen.
type Training struct {
	Epochs     int          `json:"epochs"`
	BestEpoch  int          `json:"best_epoch"`
	SelectedOn string       `json:"selected_on"`
	Measure    string       `json:"measure,omitempty"` // what the curve's agreement is, as in Fidelity
	Curve      []CurvePoint `json:"curve"`
}

// CurvePoint is one epoch: mean training loss, agreement and KL on the inputs
// that choose the epoch, learning rate at its end, wall time in seconds.
type CurvePoint struct {
	Epoch     int     `json:"epoch"`
	Loss      float64 `json:"loss"`
	Agreement float64 `json:"agreement"`
	KL        float64 `json:"kl"`
	LR        float64 `json:"lr"`
	Seconds   float64 `json:"seconds"`
}

// Transfer describes the inputs that the student learned from.
type Transfer struct {
	Source        string          `json:"source"`
	Samples       int             `json:"samples"`
	Classes       *ClassHistogram `json:"classes,omitempty"`
	Preprocessing string          `json:"preprocessing"`
}

// Versions says what the numbers were measured with and on.
type Versions struct {
	KDCompress  string `json:"kdcompress"`
	Go          string `json:"go"`
	ONNXRuntime string `json:"onnxruntime"`
	CPU         string `json:"cpu"`
	OS          string `json:"os"`
}
