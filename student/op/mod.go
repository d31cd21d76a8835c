// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Mod: Z = the remainder of X / Y, with broadcasting. With fmod it has the sign of
// X, as in C; without, for integers alone, that of Y, as in Python.
//
//	dX = dZ    dY = -dZ * trunc(X / Y)
//
// https://onnx.ai/onnx/operators/onnx__Mod.html
// Since opset 10; 13 only added types.
var _ = register(Op{
	Name: "Mod", Since: 10,
	Bind32: bindMod[float32], Bind64: bindMod[float64],
	Cases: modCases(),
})

func bindMod[T kernel.Float](n *Node) (*Kernel[T], error) {
	integers, fmod := n.integers(), n.Int("fmod", 0) != 0
	if !fmod && !integers {
		return nil, fmt.Errorf("fmod = 0 is for integers; floating-point operands need fmod = 1")
	}
	m := binary[T]{
		fwd: func(out, a, b []T) {
			for i := range out {
				x, y := float64(at(a, i)), float64(at(b, i))
				r := math.Mod(x, y)
				if !fmod && r != 0 && (r < 0) != (y < 0) {
					r += y
				}
				out[i] = T(r)
			}
		},
		reads: []int{0, 1},
	}
	if !integers {
		m.da = func(g, dy, _, _ []T) { addTo(g, dy, 1) }
		m.db = func(g, dy, a, b []T) {
			for i, d := range dy {
				g[i%len(g)] -= d * T(math.Trunc(float64(at(a, i))/float64(at(b, i))))
			}
		}
	}
	return m.bind(n)
}

// modCases keep quotients away from whole numbers, where the remainder jumps.
func modCases() []Case {
	fmod := []onnx.Attr{onnx.Int("fmod", 1)}
	cases := binaryCases(10, 1.05, 1.95)
	for i := range cases {
		cases[i].Attrs = fmod
		cases[i].In[0].Lo, cases[i].In[0].Hi = 4.05, 4.15
		cases[i].In[1].Lo, cases[i].In[1].Hi = 1.45, 1.95
	}
	integers := func(attrs []onnx.Attr, b ...int64) Case {
		return Case{Attrs: attrs, In: []Arg{{Shape: []int{5, len(b)}, Lo: -20, Hi: 20, Type: onnx.Int64}, {Shape: []int{len(b)}, Ints: b}}, ForwardOnly: true}
	}
	python, c := integers(nil, 3, -3, 7), integers(fmod, 3, -3, 7)
	python.Name, c.Name = "integers", "integers, fmod"
	signs := Case{Name: "signs", Attrs: fmod, In: []Arg{{Shape: []int{5, 2}, Lo: -2.1, Hi: -2}, {Shape: []int{2}, Lo: -1.9, Hi: -1.1}}}
	return append(cases, python, c, signs)
}
