// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestTextGolden(t *testing.T) {
	var b bytes.Buffer
	if err := fixture().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", b.Bytes())
}

func TestTextHasNoControlCharacters(t *testing.T) {
	r := fixture()
	r.Warnings = []string{"bad \x1b[2J name\nVERDICT fine"}
	r.Fidelity.Set = "set\r\x07"
	r.Contract.Runs[0].Error = "x\x1b]0;y"
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexAny(b.String(), "\x1b\r\x07"); i >= 0 {
		t.Errorf("control character in %q", b.String()[i:])
	}
	if strings.Contains(b.String(), "\nVERDICT fine") {
		t.Error("a warning made a line of its own")
	}
}

func TestVerdict(t *testing.T) {
	ci := func(lo, hi float64) *Interval { return &Interval{lo, hi} }
	agreed := Fidelity{Samples: 10000, Agreement: 0.9931, AgreementCI95: Wilson(9931, 10000)}
	holds := ContractResult{OK: true}
	one := Model{Latency: LatencyStat{Batch: 1}}
	for _, c := range []struct {
		name string
		r    Report
		want string
	}{
		{"good", Report{Student: one, Ratio: Ratio{Bytes: 24.1, LatencyP50: 9.31, LatencyP50CI95: ci(9.1, 9.5)}, Fidelity: agreed, Contract: holds},
			"student is 24.1x smaller, 9.3x faster at batch 1, agrees with the teacher on 99.31% [99.13, 99.45] of 10,000 inputs: drop-in contract holds"},
		{"slower", Report{Student: one, Ratio: Ratio{Bytes: 4, LatencyP50: 0.5, LatencyP50CI95: ci(0.45, 0.55)}, Fidelity: agreed, Contract: holds},
			"student is 4.0x smaller, 2.0x slower at batch 1, agrees with the teacher on 99.31% [99.13, 99.45] of 10,000 inputs: drop-in contract holds"},
		{"no gain", Report{Student: one, Ratio: Ratio{Bytes: 1, LatencyP50: 1.05, LatencyP50CI95: ci(0.98, 1.12)}, Fidelity: agreed, Contract: holds},
			"no gain: student is of the same size, no faster at batch 1 (1.05x [0.98, 1.12]), agrees with the teacher on 99.31% [99.13, 99.45] of 10,000 inputs: drop-in contract holds"},
		{"larger", Report{Student: one, Ratio: Ratio{Bytes: 0.5, LatencyP50: 0.5, LatencyP50CI95: ci(0.4, 0.6)}, Contract: holds},
			"no gain: student is 2.0x larger, 2.0x slower at batch 1, agreement not measured: drop-in contract holds"},
		{"nothing measured", Report{}, "student agreement not measured: drop-in contract not checked"},
		{"broken, missed", Report{Ratio: Ratio{Bytes: 3}, Fidelity: Fidelity{Samples: 50, Agreement: 1, AgreementCI95: Interval{0.93, 1}, ChoseEpoch: true},
			Contract: ContractResult{Differences: []Difference{{Severity: Breaks}, {Severity: Notes}}, Runs: []RunCheck{{Error: "no"}}},
			Budgets:  []Budget{{Name: "size", OK: true}, {Name: "latency"}}},
			"student is 3.0x smaller, agrees with the teacher on 100.00% [93.00, 100.00] of 50 inputs (those that chose the epoch): drop-in contract broken in 2 points; budget missed: latency"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.r.verdict(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"thousands", count(1234567), "1,234,567"},
		{"negative", count(-1234), "-1,234"},
		{"hundreds", count(999), "999"},
		{"bytes", byteSize(512), "512 B"},
		{"megabytes", byteSize(4812345), "4.81 MB"},
		{"rounds up a unit", byteSize(999999), "1.00 MB"},
		{"operations", operations(834560), "835 k"},
		{"microseconds", milliseconds(0.01234), "0.0123 ms"},
		{"seconds in ms", milliseconds(1234.5), "1234 ms"},
		{"nearly all", percent(0.999999), "99.99"},
		{"all", percent(1), "100.00"},
		{"nearly none", percent(1e-9), "0.01"},
		{"times", times(9.31), "9.3x"},
		{"times near one", times(1.049), "1.05x"},
		{"times large", times(1234.5), "1,235x"},
		{"minutes", seconds(174.2), "2.90 min"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
