// SPDX-License-Identifier: Apache-2.0

package report

import "fmt"

// column is a column of a table of fidelity.
type column struct {
	Head string
	Of   func(Fidelity) string
}

// fidelityColumns are the columns that suit the measure of a set.
func fidelityColumns(f Fidelity) []column {
	optional := func(head string, of func(Fidelity) *float64, words func(float64) string) column {
		return column{head, func(f Fidelity) string {
			if v := of(f); v != nil {
				return words(*v)
			}
			return ""
		}}
	}
	share := func(head string) []column {
		return []column{
			{head, func(f Fidelity) string { return percent(f.Agreement) }},
			{"95% interval", func(f Fidelity) string { return percentInterval(f.AgreementCI95) }},
		}
	}
	value := func(head string) []column {
		return []column{
			{head, func(f Fidelity) string { return coefficient(f.Agreement) }},
			{"95% interval", func(f Fidelity) string { return coefficients(f.AgreementCI95) }},
		}
	}
	kl := column{"KL (nats)", func(f Fidelity) string { return nats(f.KL) }}
	relative := optional("relative error %", func(f Fidelity) *float64 { return f.RelativeError }, percent)
	furthest := optional("largest difference", func(f Fidelity) *float64 { return f.MaxAbsDiff }, func(v float64) string { return digits(v, 3) })
	switch f.measured() {
	case MeasureLabels:
		return append(share("label agreement %"), optional("all labels equal %", func(f Fidelity) *float64 { return f.ExactMatch }, percent), kl)
	case MeasureR2:
		return append(value("R2"), relative, furthest)
	case MeasureCosine:
		return append(value("mean cosine"), optional("least", func(f Fidelity) *float64 { return f.LeastCosine }, coefficient), relative)
	}
	return append(share("agreement %"), kl)
}

// coefficient writes an R2 or a cosine.
func coefficient(v float64) string { return fmt.Sprintf("%.4f", v) }

func coefficients(i Interval) string {
	return "[" + coefficient(i[0]) + ", " + coefficient(i[1]) + "]"
}

// byMeasure groups sets of the same measure, in the order they come.
func byMeasure(sets []Fidelity) [][]Fidelity {
	var groups [][]Fidelity
	at := map[string]int{}
	for _, f := range sets {
		i, ok := at[f.measured()]
		if !ok {
			i = len(groups)
			at[f.measured()] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// fidelityTable is a table of the page: sets of one measure.
type fidelityTable struct {
	Heads []string
	Rows  []fidelityRow
	Note  string
}

type fidelityRow struct {
	Name, Number string
	Cells        []string
	ChoseEpoch   bool
}

// measureNotes explain the measures to readers of the page.
var measureNotes = map[string]string{
	MeasureAgreement: "Agreement: the share of answers with the same arg max, Wilson's interval. KL: mean of KL(teacher ‖ student) at temperature 1.",
	MeasureLabels:    "Label agreement: the share of labels decided alike, Wilson's interval with as many trials as inputs. KL: the labels' Bernoulli divergences summed.",
	MeasureR2:        "R2: 1 minus the squared error over the teacher's variance on the set, the mean over the numbers of a vector. Relative error: the mean over inputs of |student−teacher| / |teacher|.",
	MeasureCosine:    "Mean cosine: of the angle between the two embeddings of an input. Relative error: the mean over inputs of |student−teacher| / |teacher|.",
}

func fidelityTables(sets []Fidelity) []fidelityTable {
	var tables []fidelityTable
	for _, group := range byMeasure(sets) {
		t := fidelityTable{Note: measureNotes[group[0].measured()]}
		columns := fidelityColumns(group[0])
		for _, c := range columns {
			t.Heads = append(t.Heads, c.Head)
		}
		for _, f := range group {
			row := fidelityRow{Name: f.name(), Number: count(f.Samples), ChoseEpoch: f.ChoseEpoch}
			for _, c := range columns {
				row.Cells = append(row.Cells, c.Of(f))
			}
			t.Rows = append(t.Rows, row)
		}
		tables = append(tables, t)
	}
	return tables
}

// Classes says whether the answers are classes, for the page.
func (f Fidelity) Classes() bool { return f.measured() == MeasureAgreement }

// ErrorName is what Disagreement.Error holds, for the page.
func (f Fidelity) ErrorName() string {
	switch f.measured() {
	case MeasureR2:
		return "root mean squared error"
	case MeasureCosine:
		return "1 − cosine"
	}
	return "divergence and differing labels"
}

// name names the set and, where there are several, the output.
func (f Fidelity) name() string {
	if f.Output != "" {
		return plain(f.Output) + " on " + plain(f.Set)
	}
	return plain(f.Set)
}

// title is the name with a remark where the set chose the epoch.
func (f Fidelity) title() string {
	if f.ChoseEpoch {
		return f.name() + " (chose the epoch)"
	}
	return f.name()
}

// words are the measure as part of a sentence about the student.
func (f Fidelity) words() string {
	n := count(f.Samples) + " inputs"
	switch f.measured() {
	case MeasureLabels:
		return fmt.Sprintf("agrees with the teacher on %s%% %s of the labels of %s", percent(f.Agreement), percentInterval(f.AgreementCI95), n)
	case MeasureR2:
		return fmt.Sprintf("has an R2 of %s %s against the teacher's numbers on %s", coefficient(f.Agreement), coefficients(f.AgreementCI95), n)
	case MeasureCosine:
		return fmt.Sprintf("has a mean cosine of %s %s to the teacher's embeddings on %s", coefficient(f.Agreement), coefficients(f.AgreementCI95), n)
	}
	return fmt.Sprintf("agrees with the teacher on %s%% %s of %s", percent(f.Agreement), percentInterval(f.AgreementCI95), n)
}
