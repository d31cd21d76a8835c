// SPDX-License-Identifier: Apache-2.0

package data

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		share float64
		held  int
	}{
		{"tenth", 100, 0.1, 10}, {"none", 100, 0, 0}, {"at least one", 100, 0.001, 1},
		{"never all", 3, 0.99, 2}, {"one sample", 1, 0.1, 0}, {"nothing", 0, 0.5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			train, held := Split(c.n, c.share, 7)
			if len(held) != c.held {
				t.Errorf("%d held out, want %d", len(held), c.held)
			}
			if !slices.IsSorted(train) || !slices.IsSorted(held) {
				t.Error("lists do not ascend")
			}
			both := slices.Sorted(slices.Values(slices.Concat(train, held)))
			for i, v := range both {
				if v != i {
					t.Fatalf("number %d is missing or stands twice", i)
				}
			}
			if again, _ := Split(c.n, c.share, 7); !slices.Equal(again, train) {
				t.Error("the same seed gives another split")
			}
		})
	}
	if _, a := Split(100, 0.1, 1); slices.Equal(a, func() []int { _, b := Split(100, 0.1, 2); return b }()) {
		t.Error("another seed gives the same split")
	}
}

func TestShuffle(t *testing.T) {
	draw := func(seed, epoch uint64) []int {
		idx := make([]int, 50)
		for i := range idx {
			idx[i] = i
		}
		Shuffle(idx, seed, epoch)
		return idx
	}
	first := draw(1, 0)
	if !slices.Equal(first, draw(1, 0)) {
		t.Error("the same seed and epoch give another order")
	}
	if slices.Equal(first, draw(1, 1)) || slices.Equal(first, draw(2, 0)) {
		t.Error("another seed or epoch gives the same order")
	}
	slices.Sort(first)
	for i, v := range first {
		if i != v {
			t.Fatal("not a permutation")
		}
	}
	// Results on disk depend on the very order.
	short := []int{0, 1, 2, 3, 4, 5, 6, 7}
	Shuffle(short, 1, 0)
	if want := []int{2, 7, 1, 5, 6, 4, 0, 3}; !slices.Equal(short, want) {
		t.Errorf("seed 1, epoch 0: %v, want %v", short, want)
	}
}
