// SPDX-License-Identifier: Apache-2.0

package target

import (
	"slices"
	"testing"
)

func TestLayout(t *testing.T) {
	for _, c := range []struct {
		dims []int
		axis int
		want Layout
	}{
		{[]int{5}, -1, Layout{1, 5, 1}},
		{[]int{5}, 1, Layout{1, 5, 1}},
		{[]int{7, 2}, -1, Layout{7, 2, 1}},
		{[]int{2, 3, 4}, 1, Layout{1, 2, 12}},
		{[]int{2, 3, 4}, 2, Layout{2, 3, 4}},
		{nil, -1, Layout{1, 1, 1}},
	} {
		if got := LayoutOf(c.dims, c.axis); got != c.want {
			t.Errorf("%v, axis %d: %+v, want %+v", c.dims, c.axis, got, c.want)
		}
	}
	l := Layout{2, 3, 2}
	got := make([]float32, l.Len())
	l.Rows(got, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	if want := []float32{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}
