// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// nets are the shapes of graph that channels are followed through. Each has layers
// of 16 or more, of which half can go.
var nets = []struct {
	name    string
	opset   int64
	in      []int
	classes int
	emit    func(b *net, x string) string
}{
	{"plain", 13, []int{3, 6, 6}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c1", x, 3, 16, 3, 1, 1))
		x = b.Op("MaxPool", []string{x}, onnx.Ints("kernel_shape", 2, 2), onnx.Ints("strides", 2, 2))
		x = b.relu(b.conv("c2", x, 16, 24, 3, 1, 1))
		return b.linear("out", b.Op("Flatten", []string{x}), 24*9, 4)
	}},
	{"reshape with a constant", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c1", x, 3, 16, 3, 1, 1))
		return b.linear("out", b.shaped(x, -1, 16*16), 16*16, 4)
	}},
	{"residual", 13, []int{3, 6, 6}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("stem", x, 3, 16, 3, 1, 1))
		y := b.conv("a2", b.relu(b.conv("a1", x, 16, 32, 3, 1, 1)), 32, 16, 3, 1, 1)
		x = b.relu(b.Op("Add", []string{x, y}))
		y = b.conv("b2", b.relu(b.conv("b1", x, 16, 16, 3, 2, 1)), 16, 32, 3, 1, 1)
		x = b.relu(b.Op("Add", []string{b.conv("around", x, 16, 32, 1, 2, 1), y}))
		x = b.Op("GlobalMaxPool", []string{x})
		return b.linear("out", b.Op("Flatten", []string{x}), 32, 4)
	}},
	{"depthwise", 13, []int{3, 6, 6}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("wide", x, 3, 32, 1, 1, 1))
		x = b.relu(b.conv("filter", x, 32, 32, 3, 2, 32))
		x = b.conv("narrow", x, 32, 16, 1, 1, 1)
		return b.linear("out", b.Op("Flatten", []string{x}), 16*9, 4)
	}},
	{"groups", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c1", x, 3, 32, 3, 1, 1))
		x = b.relu(b.conv("c2", x, 32, 64, 3, 1, 2))
		return b.linear("out", b.Op("Flatten", []string{x}), 64*16, 4)
	}},
	{"concat and split", 11, []int{3, 4, 4}, 4, func(b *net, x string) string {
		l, r := b.relu(b.conv("l", x, 3, 16, 3, 1, 1)), b.relu(b.conv("r", x, 3, 24, 1, 1, 1))
		x = b.Op("Concat", []string{l, r}, onnx.Int("axis", 1))
		x = b.relu(b.conv("both", x, 40, 32, 1, 1, 1))
		h := b.OpMulti("halves", "Split", []string{x}, 2, onnx.Int("axis", 1), onnx.Ints("split", 16, 16))
		x = b.Op("Mul", []string{h[0], h[1]})
		return b.linear("out", b.Op("Flatten", []string{x}), 16*16, 4)
	}},
	{"split of constants", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c", x, 3, 48, 1, 1, 1))
		h := b.OpMulti("parts", "Split", []string{x, b.Int64("sizes", []int64{2}, []int64{16, 32})}, 2, onnx.Int("axis", 1))
		x = b.Op("Concat", []string{b.conv("p", h[0], 16, 16, 1, 1, 1), h[1]}, onnx.Int("axis", 1))
		return b.linear("out", b.Op("Flatten", []string{x}), 48*16, 4)
	}},
	{"slice", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c", x, 3, 48, 1, 1, 1))
		one := []int64{1}
		cut := func(lo, hi int64) string {
			return b.Op("Slice", []string{x, b.Int64("lo", one, []int64{lo}), b.Int64("hi", one, []int64{hi}), b.Int64("axis", one, one)})
		}
		x = b.Op("Add", []string{b.conv("p", cut(0, 16), 16, 32, 1, 1, 1), cut(16, math.MaxInt64)})
		return b.linear("out", b.Op("Flatten", []string{x}), 32*16, 4)
	}},
	{"bias added, slope", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.Op("Conv", []string{x, b.whole("w", 16, 3, 1, 1)})
		x = b.Op("Add", []string{x, b.whole("bias", 16, 1, 1)})
		x = b.Op("PRelu", []string{x, b.whole("slope", 16, 1, 1)})
		return b.linear("out", b.Op("Flatten", []string{x}), 16*16, 4)
	}},
	{"norm behind an activation", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c", x, 3, 16, 3, 1, 1))
		x = b.Op("BatchNormalization", []string{x, b.whole("scale", 16), b.whole("bias", 16), b.whole("mean", 16),
			b.Float32("var", []int64{16}, slices.Repeat([]float32{4}, 16))}, onnx.Float("epsilon", 0))
		return b.linear("out", b.Op("Flatten", []string{x}), 16*16, 4)
	}},
	{"attention and feed-forward", 13, []int{5, 6}, 4, func(b *net, x string) string {
		x = b.dense("in", x, 6, 16)
		head := func(name string, perm ...int64) string {
			y := b.shaped(b.dense(name, x, 16, 16), 0, 0, 2, 8)
			return b.Op("Transpose", []string{y}, onnx.Ints("perm", perm...))
		}
		q, k, v := head("q", 0, 2, 1, 3), head("k", 0, 2, 3, 1), head("v", 0, 2, 1, 3)
		y := b.Op("MatMul", []string{b.Op("MatMul", []string{q, k}), v})
		y = b.shaped(b.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3)), 0, -1, 16)
		x = b.Op("Add", []string{x, b.dense("o", y, 16, 16)})
		x = b.Op("Add", []string{x, b.dense("outer", b.relu(b.dense("inner", x, 16, 64)), 64, 16)})
		x = b.Op("ReduceSum", []string{x, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
		return b.linear("out", x, 16, 4)
	}},
	{"shapes computed in the graph", 13, []int{3, 4, 4}, 4, func(b *net, x string) string {
		x = b.relu(b.conv("c", x, 3, 16, 3, 1, 1))
		n := b.Op("Gather", []string{b.Op("Shape", []string{x}), b.Int64("i", []int64{1}, []int64{0})})
		x = b.Op("Reshape", []string{x, b.Op("Concat", []string{n, b.Int64("rest", []int64{1}, []int64{256})}, onnx.Int("axis", 0))})
		return b.linear("out", x, 256, 4)
	}},
	{"class token, sizes of tensors", 15, []int{3, 4, 4}, 4, func(b *net, x string) string {
		one := func(v int64) string { return b.Int64("one", []int64{1}, []int64{v}) }
		join := func(parts ...string) string { return b.Op("Concat", parts, onnx.Int("axis", 0)) }
		x = b.conv("patches", x, 3, 32, 1, 1, 1)
		two := b.Op("Slice", []string{b.Op("Shape", []string{x}), one(0), one(2)}) // samples and channels
		x = b.Op("Transpose", []string{b.Op("Reshape", []string{x, join(two, one(-1))})}, onnx.Ints("perm", 0, 2, 1))
		n := b.Op("Shape", []string{x}, onnx.Int("start", 0), onnx.Int("end", 1))
		x = b.Op("Concat", []string{b.Op("Expand", []string{b.whole("token", 1, 1, 32), join(n, one(1), one(1))}), x}, onnx.Int("axis", 1))
		shape := b.Op("Shape", []string{x})
		size := func(d int64) string { return b.Op("Gather", []string{shape, one(d)}) }
		qkv := b.Op("Reshape", []string{b.dense("qkv", x, 32, 96), join(size(0), size(1), one(3), one(4), one(8))}, onnx.Int("allowzero", 1))
		qkv = b.Op("Transpose", []string{qkv}, onnx.Ints("perm", 2, 0, 3, 1, 4))
		head := func(i int64) string { return b.Op("Gather", []string{qkv, b.Int64("i", nil, []int64{i})}) }
		k := head(1)
		three := b.Op("Shape", []string{k})
		last := func(lo, hi int64) string { return b.Op("Slice", []string{three, one(lo), one(hi)}) }
		flat := b.Op("Reshape", []string{k, join(one(-1), last(2, 4))}) // the samples' heads in one axis
		flat = b.Op("Transpose", []string{flat}, onnx.Ints("perm", 0, 2, 1))
		k = b.Op("Reshape", []string{flat, join(last(0, 2), last(3, 4), last(2, 3))})
		y := b.Op("MatMul", []string{b.Op("MatMul", []string{head(0), k}), head(2)})
		y = b.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3))
		y = b.Op("Reshape", []string{y, join(size(0), size(1), size(2))}) // of the stream's width, which the heads do not have for long
		x = b.Op("Add", []string{x, b.dense("o", y, 32, 32)})
		return b.linear("out", b.Op("Gather", []string{x, b.Int64("first", nil, []int64{0})}, onnx.Int("axis", 1)), 32, 4)
	}},
	{"mixing of places", 13, []int{8, 6}, 4, func(b *net, x string) string {
		x = b.dense("in", x, 6, 32)
		y := b.Op("Transpose", []string{x}, onnx.Ints("perm", 0, 2, 1))
		y = b.dense("outer", b.relu(b.dense("inner", y, 8, 32)), 32, 8)
		x = b.Op("Add", []string{x, b.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1))})
		x = b.Op("ReduceSum", []string{x, b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 0))
		return b.linear("out", x, 32, 4)
	}},
}

// TestNarrowRefits narrows every net and fits what is left; ONNX Runtime gives the
// engine's answers, to a number of samples that no cut has seen.
func TestNarrowRefits(t *testing.T) {
	for _, tc := range nets {
		t.Run(tc.name, func(t *testing.T) {
			sig := teacher(t, tc.opset, tc.in, tc.classes, tc.emit)
			blurred(t, sig)
			r, err := Cut(context.Background(), sig, recipe(t, "narrow:ratio=0.5"), samples(tc.in, 20, 7), 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			few := samples(tc.in, 5, 8)
			near(t, inRuntime(t, r.Student.Model, few), answers(t, sig, r.Student.Model, few))
		})
	}
}

// TestNarrowExact makes half of every layer provably useless, by zeros in what
// produces it, and takes it away: the answers are the same to the last bit.
func TestNarrowExact(t *testing.T) {
	for _, tc := range nets {
		t.Run(tc.name, func(t *testing.T) {
			sig := teacher(t, tc.opset, tc.in, tc.classes, tc.emit)
			s := samples(tc.in, 12, 7)
			zeros := zeroed(t, sig)
			if zeros == 0 {
				t.Fatal("no layer can be narrowed")
			}
			want := answers(t, sig, sig.Teacher, s)
			if !slices.ContainsFunc(want, func(v float32) bool { return v != 0 }) {
				t.Fatal("the teacher answers with zeros")
			}
			r, err := Cut(context.Background(), sig, recipe(t, "narrow:ratio=0.5,refit=no"), s, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			m := r.Student.Model
			if a, b := sig.Teacher.Graph.Params(), m.Graph.Params(); b >= a {
				t.Errorf("%d parameters of %d are left", b, a)
			}
			if got := answers(t, sig, m, s); !slices.Equal(got, want) {
				t.Errorf("the answers differ: %v, want %v", got[:4], want[:4])
			}
			if len(r.Notes) != zeros {
				t.Errorf("%d layers have zeros; notes %q", zeros, r.Notes)
			}
		})
	}
}

// zeroed clears, in all weights, every second class of each cohort of a teacher as
// far as half of them go, and returns how many cohorts there are.
func zeroed(t *testing.T, sig student.Signature) int {
	t.Helper()
	w := &work{sig: sig, model: sig.Teacher, shards: 1}
	plan, err := w.probe(sig.Teacher)
	if err != nil {
		t.Fatal(err)
	}
	c := newClasses(sig.Teacher, plan, w.scores())
	gone := map[int]bool{}
	count := 0
	for _, h := range c.cohorts() {
		n := len(h.roots) - kept(len(h.roots), h.unit, 0.5)
		for i := range n {
			gone[h.roots[2*i]] = true
		}
		if n > 0 {
			count++
		}
	}
	for _, a := range c.axes() {
		x := c.weights[a.tensor]
		if x == nil || x.Type != onnx.Float32 || a.tensor == "var" {
			continue
		}
		v, err := onnx.Values[float32](x)
		if err != nil {
			t.Fatal(err)
		}
		inner := 1
		for _, d := range x.Dims[a.dim+1:] {
			inner *= int(d)
		}
		list := c.lists[a]
		for i := range v {
			if gone[c.root(list[i/inner%len(list)])] {
				v[i] = 0
			}
		}
		x.Data = onnx.FloatData(x.Type, v)
	}
	return count
}

func recipe(t testing.TB, spec string) Recipe {
	t.Helper()
	r, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	if r.String() != spec {
		t.Errorf("%q is written as %q", spec, r)
	}
	return r
}
