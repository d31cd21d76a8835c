// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

func list(b *onnx.Builder, v ...int64) string { return b.Int64("i", []int64{int64(len(v))}, v) }

func number(b *onnx.Builder, v int64) string { return b.Int64("n", nil, []int64{v}) }

// size is what torch writes for x.size(axis): a Gather from the Shape.
func size(b *onnx.Builder, x string, axis int64) string {
	return b.Op("Gather", []string{b.Op("Shape", []string{x}), number(b, axis)}, onnx.Int("axis", 0))
}

// together is the list of scalars.
func together(b *onnx.Builder, scalars ...string) string {
	var parts []string
	for _, s := range scalars {
		parts = append(parts, b.Op("Unsqueeze", []string{s, list(b, 0)}))
	}
	return b.Op("Concat", parts, onnx.Int("axis", 0))
}

var picture = []onnx.Dim{onnx.Symbolic("batch size"), onnx.Fixed(2), onnx.Symbolic("h"), onnx.Fixed(4)}

// TestFold folds arithmetic on sizes and compares answers in ONNX Runtime.
func TestFold(t *testing.T) {
	conv := func(b *onnx.Builder, x string) string {
		return b.Op("Relu", []string{b.Op("Conv", []string{x, random(b, source(1), "w", 3, 2, 1, 1)})})
	}
	for _, c := range []struct {
		name  string
		dims  []onnx.Dim
		emit  func(b *onnx.Builder, x string) string
		left  string
		shape string // of the last Reshape
	}{
		{"view(x.size(0), -1)", picture, func(b *onnx.Builder, x string) string {
			y := conv(b, x)
			return b.Op("Reshape", []string{y, together(b, size(b, y, 0), number(b, -1))})
		}, "Conv Relu Reshape", "[0 -1]"},
		{"the size of another tensor", picture, func(b *onnx.Builder, x string) string {
			return b.Op("Reshape", []string{conv(b, x), together(b, size(b, x, 0), number(b, -1))})
		}, "Conv Relu Reshape", "[0 -1]"},
		{"size not in its place", picture, func(b *onnx.Builder, x string) string {
			return b.Op("Reshape", []string{b.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0, 2, 3)), together(b, number(b, 2), number(b, 4), size(b, x, 0), size(b, x, 2))})
		}, "Transpose Shape Gather Shape Gather Unsqueeze Unsqueeze Concat Reshape", ""},
		{"heads of an attention", []onnx.Dim{onnx.Symbolic("N"), onnx.Symbolic("L"), onnx.Fixed(6)}, func(b *onnx.Builder, x string) string {
			head := b.Op("Div", []string{size(b, x, 2), number(b, 2)})
			y := b.Op("Reshape", []string{x, together(b, size(b, x, 0), size(b, x, 1), number(b, 2), head)})
			y = b.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3))
			y = b.Op("Transpose", []string{y}, onnx.Ints("perm", 0, 2, 1, 3))
			return b.Op("Reshape", []string{y, together(b, size(b, x, 0), size(b, x, 1), b.Op("Mul", []string{head, number(b, 2)}))})
		}, "Reshape Transpose Transpose Reshape", "[0 0 6]"},
		{"sizes that are known", []onnx.Dim{onnx.Fixed(2), onnx.Fixed(3), onnx.Fixed(4)}, func(b *onnx.Builder, x string) string {
			s := b.Op("Shape", []string{x})
			n := b.Op("ReduceProd", []string{b.Op("Slice", []string{s, list(b, 1), list(b, 3)})}, onnx.Int("keepdims", 1))
			return b.Op("Reshape", []string{x, b.Op("Concat", []string{b.Op("Slice", []string{s, list(b, 0), list(b, 1)}), n}, onnx.Int("axis", 0))})
		}, "Reshape", "[2 12]"},
		{"a product over the batch", picture, func(b *onnx.Builder, x string) string {
			return b.Op("Reshape", []string{x, together(b, b.Op("Mul", []string{size(b, x, 0), number(b, 2)}), size(b, x, 2), number(b, 4))})
		}, "Shape Gather Mul Shape Gather Unsqueeze Unsqueeze Concat Reshape", ""},
		{"one open size", picture, func(b *onnx.Builder, x string) string {
			return b.Op("Reshape", []string{b.Op("Transpose", []string{x}, onnx.Ints("perm", 2, 0, 1, 3)), together(b, number(b, 8), b.Op("Mul", []string{size(b, x, 0), size(b, x, 2)}))})
		}, "Transpose Reshape", "[8 -1]"},
		{"a choice of sizes", picture, func(b *onnx.Builder, x string) string {
			// torch.expand compares the sizes asked for with -1.
			asked := together(b, size(b, x, 0), number(b, 8), number(b, -1))
			ones := b.Op("ConstantOfShape", []string{list(b, 3)}, onnx.Attr{Name: "value", Kind: onnx.AttrTensor, T: onnx.NewInt64("", []int64{1}, []int64{1})})
			minus := b.Op("Mul", []string{ones, number(b, -1)})
			same := b.Op("Where", []string{b.Op("Equal", []string{asked, minus}), together(b, size(b, x, 0), number(b, 8), size(b, x, 2)), asked})
			return b.Op("Reshape", []string{x, same})
		}, "Reshape", "[0 8 0]"},
		{"floats by way of a size", picture, func(b *onnx.Builder, x string) string {
			f := b.Op("Cast", []string{size(b, x, 3)}, onnx.Int("to", int64(onnx.Float32)))
			f = b.Op("Floor", []string{b.Op("Mul", []string{f, b.Float32("half", nil, []float32{0.6})})})
			n := b.Op("Cast", []string{f}, onnx.Int("to", int64(onnx.Int64)))
			return b.Op("Reshape", []string{x, together(b, size(b, x, 0), n, number(b, -1))})
		}, "Reshape", "[0 2 -1]"},
		{"weights stay", vector, func(b *onnx.Builder, x string) string {
			w := b.Op("Mul", []string{b.Float32("a", []int64{3}, []float32{1, 2, 3}), b.Float32("b", []int64{3}, []float32{4, 5, 6})})
			return b.Op("Add", []string{x, w})
		}, "Mul Add", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := build(17, c.dims, c.emit)
			got, err := rewrite.Normalise(m)
			if err != nil {
				t.Fatal(err)
			}
			if c.shape != "" {
				var last string
				for _, n := range got.Graph.Nodes {
					if n.OpType == "Reshape" {
						v, _ := onnx.Values[int64](got.Graph.Initializer(n.Inputs[1]))
						last = fmt.Sprint(v)
					}
				}
				if last != c.shape {
					t.Errorf("the last Reshape takes %s, want %s", last, c.shape)
				}
			}
			if strings.Join(ops(got), " ") != c.left {
				t.Errorf("left: %v, want %s", ops(got), c.left)
			}
			runtime(t)
			alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
			if c.dims[0].Size < 0 {
				alike(t, run(t, got, 5, 2), run(t, m, 5, 2), 0)
			}
		})
	}
}

// TestConstantIf takes the branch that is always taken, one inside another and
// with names that are taken outside.
func TestConstantIf(t *testing.T) {
	branch := func(nodes []*onnx.Node, out string, inits ...*onnx.Tensor) *onnx.Graph {
		return &onnx.Graph{Name: "branch", Nodes: nodes, Initializers: inits, Outputs: []*onnx.Value{{Name: out, Kind: "tensor", Type: onnx.Float32}}}
	}
	for _, yes := range []bool{true, false} {
		m := build(17, picture, func(b *onnx.Builder, x string) string {
			r := b.OpNamed("r", "Relu", []string{x})
			want := int64(4)
			if !yes {
				want = 5
			}
			cond := b.Op("Equal", []string{size(b, x, 3), number(b, want)})
			inner := &onnx.Node{OpType: "If", Inputs: []string{"c"}, Outputs: []string{"inner"}, Attrs: []onnx.Attr{
				{Name: "then_branch", Kind: onnx.AttrGraph, G: branch([]*onnx.Node{{OpType: "Neg", Inputs: []string{r}, Outputs: []string{"y"}}}, "y")},
				{Name: "else_branch", Kind: onnx.AttrGraph, G: branch([]*onnx.Node{{OpType: "Abs", Inputs: []string{x}, Outputs: []string{"y"}}}, "y")}}}
			return b.Op("If", []string{cond},
				onnx.Attr{Name: "then_branch", Kind: onnx.AttrGraph, G: branch([]*onnx.Node{inner}, "inner", &onnx.Tensor{Name: "c", Type: onnx.Bool, Data: []byte{1}})},
				onnx.Attr{Name: "else_branch", Kind: onnx.AttrGraph, G: branch([]*onnx.Node{{OpType: "Add", Inputs: []string{x, "k"}, Outputs: []string{"sum"}}}, "sum",
					onnx.NewFloat32("k", nil, []float32{7}))})
		})
		got, err := rewrite.Normalise(m)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Relu", "Neg"}
		if !yes {
			want = []string{"Add"}
		}
		if !slices.Equal(ops(got), want) {
			t.Errorf("left: %v, want %v", ops(got), want)
		}
		runtime(t)
		alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
	}
}

// TestConstantIfRenames has a branch whose names are taken where it goes.
func TestConstantIfRenames(t *testing.T) {
	m := build(17, vector, func(b *onnx.Builder, x string) string {
		cond := b.Init(&onnx.Tensor{Name: "cond", Type: onnx.Bool, Data: []byte{1}})
		leaf := func() *onnx.Graph {
			return &onnx.Graph{Name: "leaf", Outputs: []*onnx.Value{{Name: "t", Kind: "tensor", Type: onnx.Float32}},
				Initializers: []*onnx.Tensor{onnx.NewFloat32("k", nil, []float32{2})},
				Nodes:        []*onnx.Node{{OpType: "Mul", Inputs: []string{x, "k"}, Outputs: []string{"s"}}, {OpType: "Neg", Inputs: []string{"s"}, Outputs: []string{"t"}}}}
		}
		attrs := func() []onnx.Attr {
			return []onnx.Attr{{Name: "then_branch", Kind: onnx.AttrGraph, G: leaf()}, {Name: "else_branch", Kind: onnx.AttrGraph, G: leaf()}}
		}
		first := b.Op("If", []string{cond}, attrs()...)
		return b.Op("Add", []string{first, b.Op("If", []string{cond}, attrs()...)})
	})
	got, err := rewrite.Normalise(m)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(ops(got), " ") != "Mul Neg Mul Neg Add" || len(got.Graph.Initializers) != 2 {
		t.Errorf("left: %v, %d weights", ops(got), len(got.Graph.Initializers))
	}
	runtime(t)
	alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
}

// TestConstantOfShape makes weights of what is written as a shape and a number.
func TestConstantOfShape(t *testing.T) {
	fill := func(x *onnx.Tensor) []onnx.Attr {
		if x == nil {
			return nil
		}
		return []onnx.Attr{{Name: "value", Kind: onnx.AttrTensor, T: x}}
	}
	for _, c := range []struct {
		name  string
		shape []int64
		value *onnx.Tensor
		bytes int // of the initializer, -1 where it stays a node
	}{
		{"ones", []int64{2, 3}, onnx.NewFloat32("", []int64{1}, []float32{1}), 24},
		{"zeros by default", []int64{1, 3}, nil, 12},
		{"too large", []int64{1 << 20, 1, 1 << 20}, nil, -1},
		{"beyond what a product holds", []int64{1 << 40, 1 << 40}, nil, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := build(13, []onnx.Dim{onnx.Symbolic("N"), onnx.Fixed(3)}, func(b *onnx.Builder, x string) string {
				w := b.OpNamed("w", "ConstantOfShape", []string{list(b, c.shape...)}, fill(c.value)...)
				return b.Op("Gemm", []string{x, w}, onnx.Int("transB", 1))
			})
			got, err := rewrite.Normalise(m)
			if err != nil {
				t.Fatal(err)
			}
			w := got.Graph.Initializer("w")
			if (w == nil) != (c.bytes < 0) || (w != nil && len(w.Data) != c.bytes) {
				t.Fatalf("the weight is %v", w)
			}
			if w == nil {
				return
			}
			runtime(t)
			alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
		})
	}
}

// TestZeroState leaves out states of zeros, whatever their size is made of.
func TestZeroState(t *testing.T) {
	for _, fill := range []float32{0, 1} {
		m := build(17, []onnx.Dim{onnx.Fixed(4), onnx.Symbolic("N"), onnx.Fixed(3)}, func(b *onnx.Builder, x string) string {
			state := b.Op("ConstantOfShape", []string{together(b, number(b, 1), size(b, x, 1), number(b, 2))},
				onnx.Attr{Name: "value", Kind: onnx.AttrTensor, T: onnx.NewFloat32("", []int64{1}, []float32{fill})})
			r := source(4)
			return b.Op("GRU", []string{x, random(b, r, "w", 1, 6, 3), random(b, r, "r", 1, 6, 2), "", "", state}, onnx.Int("hidden_size", 2))
		})
		got, err := rewrite.Normalise(m)
		if err != nil {
			t.Fatal(err)
		}
		if left := slices.Contains(ops(got), "ConstantOfShape"); left != (fill != 0) {
			t.Errorf("filled with %g: left %v", fill, ops(got))
		}
		runtime(t)
		alike(t, run(t, got, 2, 1), run(t, m, 2, 1), 0)
	}
}
