// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNoise(t *testing.T) {
	want := input1(1, 28, 28)
	few, many := open(t, "noise:50", want, Options{}), open(t, "noise:80", want, Options{})
	a, b := all(t, few, 0), all(t, many, 0)
	if !slices.Equal(a, b[:len(a)]) {
		t.Error("a picture depends on how many there are")
	}
	if slices.Equal(a, all(t, open(t, "noise:50:2", want, Options{}), 0)) {
		t.Error("another seed gives the same pictures")
	}
	// Neighbours resemble each other, pictures differ in brightness, and none is blank.
	dark, bright := 1.0, 0.0
	for i := range few.Len() {
		x := a[i*784 : (i+1)*784]
		var sum, squares, steps float64
		for k, v := range x {
			if v < 0 || v > 1 {
				t.Fatalf("%s: pixel %g", few.Name(i), v)
			}
			sum += float64(v)
			squares += float64(v) * float64(v)
			if k%28 > 0 {
				steps += float64((v - x[k-1]) * (v - x[k-1]))
			}
		}
		mean := sum / 784
		variance := squares/784 - mean*mean
		if variance < 1e-4 || steps/756 > variance {
			t.Errorf("%s: variance %g, mean square of a step %g", few.Name(i), variance, steps/756)
		}
		dark, bright = min(dark, mean), max(bright, mean)
	}
	if dark > 0.2 || bright < 0.7 {
		t.Errorf("mean brightness from %g to %g", dark, bright)
	}
}

func TestNoiseInColour(t *testing.T) {
	first := all(t, open(t, "noise:4", input1(3, 8, 10), Options{}), 0)
	last := all(t, open(t, "noise:4", input1(8, 10, 3), Options{Mean: []float64{0.5}, Std: []float64{0.25}}), 0)
	differ := false
	for i := range 4 {
		for c := range 3 {
			for k := range 80 {
				v := first[i*240+c*80+k]
				if w := last[i*240+k*3+c]; math.Abs(float64(w)-(float64(v)-0.5)/0.25) > 1e-6 {
					t.Fatalf("picture %d, channel %d, pixel %d: %g first, %g last", i, c, k, v, w)
				}
				differ = differ || v != first[i*240+k]
			}
		}
	}
	if !differ {
		t.Error("the channels are equal")
	}
}

func TestNoiseRefused(t *testing.T) {
	for _, c := range []struct {
		path string
		want []Want
		o    Options
		says string
	}{
		{"noise:many", input1(1, 8, 8), Options{}, "takes a number from 1"},
		{"noise:0", input1(1, 8, 8), Options{}, "takes a number from 1"},
		{"noise:5:x", input1(1, 8, 8), Options{}, "whole number for a seed"},
		{"noise:5", input1(1, 8, 8), Options{Labels: "folder"}, "no labels"},
		{"noise:5", input1(1, 8, 8), Options{Format: "idx"}, "drawn, not read"},
		{"noise:5", input1(1, -1, -1), Options{}, "--height"},
		{"noise:5", input1(4, 3, 8, 8), Options{}, "not of the shape of a picture"},
		{"noise:5", append(input1(1, 8, 8), input1(2)...), Options{}, "2 inputs"},
	} {
		if _, err := Open(context.Background(), c.path, c.want, c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", c.path, err, c.says)
		}
	}
}
