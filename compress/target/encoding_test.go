// SPDX-License-Identifier: Apache-2.0

package target

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// TestEncodings keeps rows in every form, in memory and in several parts, and asks
// for them in another order.
func TestEncodings(t *testing.T) {
	const width, taps, samples = 200, 7, 50
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float32, samples)
	for i := range rows {
		for range width + taps {
			rows[i] = append(rows[i], float32(8*r.NormFloat64()))
		}
	}
	for _, e := range []Encoding{"", "float32", "float16", "topk:10@4"} {
		t.Run(string(e), func(t *testing.T) {
			id := id
			id.Encoding, id.Taps = e, "x"
			a := NewTapped(id, []int{width}, taps)
			dir := t.TempDir()
			a.Spill(dir)
			for i, row := range rows {
				if err := a.Add(key(byte(i)), row); err != nil {
					t.Fatal(err)
				}
				if i%20 == 0 {
					if err := a.Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			first := make([][]float32, samples)
			for i := range rows {
				first[i] = a.Row(key(byte(i)))
			}
			if err := a.Flush(); err != nil {
				t.Fatal(err)
			}
			if parts, _ := filepath.Glob(filepath.Join(dir, "part-*.kdt")); len(parts) != 4 {
				t.Errorf("%d parts", len(parts))
			}
			b, skipped, err := LoadTapped(dir, id, []int{width}, taps)
			if err != nil || skipped != nil || b.Len() != samples {
				t.Fatal(err, skipped, b.Len())
			}
			for _, i := range r.Perm(samples) {
				got := b.Row(key(byte(i)))
				if !slices.Equal(got, first[i]) {
					t.Fatalf("sample %d is read back differently from what the first run saw", i)
				}
				checkRow(t, e, got, rows[i], width)
			}
			if other, skipped, err := Load(dir, Identity{Teacher: "aa", Output: "logits", Preprocessing: "bb"}, []int{width}); err != nil || len(skipped) != 0 || other.Len() != 0 {
				t.Errorf("answers with taps serve a store without: %v %v", skipped, err)
			}
		})
	}
}

// checkRow compares a row with what was put in.
func checkRow(t *testing.T, e Encoding, got, want []float32, width int) {
	t.Helper()
	near := func(a, b float32, tol float64) bool { return math.Abs(float64(a-b)) <= tol*(1+math.Abs(float64(b))) }
	for i := width; i < len(want); i++ {
		if !near(got[i], want[i], 1e-3) {
			t.Fatalf("tap %d: %g, want %g", i-width, got[i], want[i])
		}
	}
	k, temperature, _ := e.top()
	if k == 0 {
		for i := range width {
			if tol := map[bool]float64{true: 0, false: 1e-3}[e.plain()]; !near(got[i], want[i], tol) {
				t.Fatalf("logit %d: %g, want %g", i, got[i], want[i])
			}
		}
		return
	}
	if Choice(got[:width]) != Choice(want[:width]) {
		t.Error("another class is chosen")
	}
	sorted := slices.Clone(want[:width])
	slices.Sort(sorted)
	p, q := soft(got[:width], temperature), soft(want[:width], temperature)
	for i, z := range want[:width] {
		if z >= sorted[width-k] && math.Abs(p[i]-q[i]) > 5e-3*q[i] {
			t.Fatalf("class %d has probability %g at the temperature, want %g", i, p[i], q[i])
		}
	}
}

func soft(z []float32, t float64) []float64 {
	p := make([]float64, len(z))
	var sum float64
	for i, v := range z {
		p[i] = math.Exp(float64(v) / t)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func TestEncodingBytes(t *testing.T) {
	for _, c := range []struct {
		e           Encoding
		width, taps int
		want        int
	}{{"", 10, 3, 52}, {"float16", 10, 3, 26}, {"topk:10@1", 1000, 3, 50}} {
		if got := c.e.bytes(c.width, c.taps); got != c.want {
			t.Errorf("%s: %d bytes for %d logits and %d numbers, want %d", c.e, got, c.width, c.taps, c.want)
		}
		if got := len(c.e.appendRow(nil, make([]float32, c.width+c.taps), c.width)); got != c.want {
			t.Errorf("%s: a row has %d bytes, want %d", c.e, got, c.want)
		}
	}
	for _, bad := range []Encoding{"float8", "topk:5", "topk:0@1", "topk:10@0", "topk:10@4"} {
		if bad.Check(10) == nil {
			t.Errorf("%q is accepted for 10 logits", bad)
		}
	}
}

// TestHalfRange keeps logits beyond the range of float16: the order and the
// probabilities stay.
func TestHalfRange(t *testing.T) {
	e := Encoding("float16")
	z := []float32{1e6, 1e6 - 2, -1e6}
	got := make([]float32, 3)
	e.decode(got, e.appendRow(nil, z, 3), 3)
	if got[0] != 0 || got[1] != -2 || got[2] != -largestHalf {
		t.Errorf("%v", got)
	}
}
