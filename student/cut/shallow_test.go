// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// tower is a net of layers of which those listed add nothing: the last weights of
// their branches are zero.
func tower(kind string, count int, idle ...int) func(b *net, x string) string {
	return func(b *net, x string) string {
		norm := func(x string) string {
			return b.Op("Clip", []string{x, b.Float32("lo", nil, []float32{-8}), b.Float32("hi", nil, []float32{8})})
		}
		quiet := func(i int, stem string) {
			if !slices.Contains(idle, i) {
				return
			}
			for _, t := range b.G.Initializers {
				if strings.HasPrefix(t.Name, stem) {
					clear(t.Data)
				}
			}
		}
		add := func(x, y string) string { return b.Op("Add", []string{x, y}) }
		switch kind {
		case "resnet":
			x = b.relu(b.conv("stem", x, 3, 8, 3, 1, 1))
			for i := range count {
				s := "block" + strconv.Itoa(i)
				y := b.conv(s+".second", b.relu(b.conv(s+".first", x, 8, 8, 3, 1, 1)), 8, 8, 3, 1, 1)
				quiet(i, s+".second")
				x = b.relu(add(x, y))
			}
			return b.linear("out", b.Op("Flatten", []string{b.Op("GlobalMaxPool", []string{x})}), 8, 4)
		case "after", "before":
			x = b.dense("in", x, 6, 8)
			if kind == "after" {
				x = norm(x)
			}
			for i := range count {
				s := "layer" + strconv.Itoa(i)
				for _, half := range []string{".a", ".f"} {
					y := x
					if kind == "before" {
						y = norm(x)
					}
					y = b.relu(b.dense(s+half+"1", y, 8, 16))
					if half == ".a" {
						y = b.Op("Tanh", []string{y})
					}
					y = b.dense(s+half+"2", y, 16, 8)
					quiet(i, s+half+"2")
					x = add(x, y)
					if kind == "after" {
						x = norm(x)
					}
				}
			}
			x = b.Op("ReduceSum", []string{x, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
			return b.linear("out", x, 8, 4)
		}
		panic(kind)
	}
}

// TestShallowExact drops layers that add nothing.
func TestShallowExact(t *testing.T) {
	for _, tc := range []struct {
		kind   string
		in     []int
		layers int
		idle   []int
	}{
		{"resnet", []int{3, 5, 5}, 4, []int{1, 2}},
		{"before", []int{5, 6}, 3, []int{0, 2}},
		{"after", []int{5, 6}, 4, []int{0, 3}},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			sig := teacher(t, 13, tc.in, 4, tower(tc.kind, tc.layers, tc.idle...))
			s := samples(tc.in, 9, 2)
			want := answers(t, sig, sig.Teacher, s)
			r, err := Cut(context.Background(), sig, recipe(t, "shallow:keep="+strconv.Itoa(tc.layers-len(tc.idle))+",refit=no"), s, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			if got := answers(t, sig, r.Student.Model, s); !slices.Equal(got, want) {
				t.Errorf("the answers differ: %v, want %v", got[:4], want[:4])
			}
			for k, i := range tc.idle {
				if want := "shallow: layer " + strconv.Itoa(i+1) + " of " + strconv.Itoa(tc.layers); !strings.HasPrefix(r.Notes[k], want) {
					t.Errorf("note %q, want %q", r.Notes[k], want)
				}
			}
			if len(r.Notes) != len(tc.idle) {
				t.Errorf("notes %q", r.Notes)
			}
			if n, m := len(sig.Teacher.Graph.Nodes), len(r.Student.Model.Graph.Nodes); m >= n {
				t.Errorf("%d nodes of %d are left", m, n)
			}
			_, err = Cut(context.Background(), sig, recipe(t, "shallow:keep="+strconv.Itoa(tc.layers)), s, 1, 2)
			if !errors.Is(err, ErrNothing) {
				t.Errorf("keeping all gives error %v", err)
			}
		})
	}
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		n, k int
		want []int
	}{{6, 3, []int{1, 3, 5}}, {4, 1, []int{2}}, {12, 6, []int{1, 3, 5, 7, 9, 11}}, {5, 2, []int{1, 3}}} {
		if got := spread(tc.n, tc.k); !slices.Equal(got, tc.want) {
			t.Errorf("%d of %d: %v, want %v", tc.k, tc.n, got, tc.want)
		}
	}
}
