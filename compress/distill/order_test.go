// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"math"
	"slices"
	"testing"
)

// TestBalanced draws from a lopsided list: all classes come equally often, the
// rarest as often as repeats allows, and nothing that is not in the list.
func TestBalanced(t *testing.T) {
	var train, classes []int
	for i := range 400 {
		c := 0
		switch {
		case i < 3:
			c = 2
		case i < 40:
			c = 1
		}
		train, classes = append(train, 1000+i), append(classes, c)
	}
	class := map[int]int{}
	for i, s := range train {
		class[s] = classes[i]
	}
	order := balanced(train, classes, 1, 0)
	counts := map[int]int{}
	for _, s := range order {
		c, ok := class[s]
		if !ok {
			t.Fatalf("sample %d is not in the list", s)
		}
		counts[c]++
	}
	if counts[0] != 133 || counts[1] != 133 || counts[2] != 3*repeats {
		t.Errorf("classes are seen %v times", counts)
	}
	if !slices.Equal(order, balanced(train, classes, 1, 0)) || slices.Equal(order, balanced(train, classes, 1, 1)) {
		t.Error("the order depends on something else than the seed and the epoch")
	}
	seen := map[int]bool{}
	for epoch := range 12 {
		for _, s := range balanced(train, classes, 1, uint64(epoch)) {
			seen[s] = true
		}
	}
	if len(seen) < 390 {
		t.Errorf("twelve epochs show %d of 400 samples", len(seen))
	}
}

// TestMatchMeans finds biases that were taken away.
func TestMatchMeans(t *testing.T) {
	want := []float64{1.5, -0.5, -1}
	var logits [][]float32
	means := make([]float64, 3)
	for i := range 200 {
		z := []float32{float32(math.Sin(float64(i))) * 3, float32(math.Cos(float64(2*i))) * 3, float32(math.Sin(float64(5*i+1))) * 3}
		logits = append(logits, z)
		softmax(z, want, func(c int, p float64) { means[c] += p / 200 })
	}
	for c, b := range matchMeans(logits, means) {
		if math.Abs(float64(b)-want[c]) > 1e-3 {
			t.Errorf("class %d: bias %g, want %g", c, b, want[c])
		}
	}
}
