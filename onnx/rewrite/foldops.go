// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// eval computes a node, nil where it cannot be told from the file. A value that is
// returned may hold unknown items.
func (f *folder) eval(n *onnx.Node) *value {
	if !standard(n) || len(n.Outputs) != 1 || n.Outputs[0] == "" {
		return nil
	}
	switch n.OpType {
	case "Shape":
		return f.shape(n)
	case "Size":
		if x, ok := f.shapes[n.Inputs[0]]; ok {
			return &value{t: onnx.Int64, scalar: true, items: []item{itemOf(times(x))}}
		}
		return nil
	case "ConstantOfShape":
		return f.filled(n)
	}
	v := f.get(n, 0)
	if v == nil || f.weights(n) {
		return nil
	}
	if op := scalarOps[n.OpType]; op != nil && len(n.Inputs) == 2 {
		return f.pairwise(n, v, f.get(n, 1), op)
	}
	if v.weight {
		return nil
	}
	switch n.OpType {
	case "Identity":
		return v
	case "Cast":
		return cast(v, onnx.DataType(n.Int("to", 0)))
	case "Neg", "Floor", "Ceil", "Not":
		return unary(v, n.OpType)
	case "Gather":
		return f.gather(n, v)
	case "Unsqueeze":
		return f.unsqueeze(n, v)
	case "Squeeze":
		if len(v.items) == 1 {
			return &value{t: v.t, scalar: true, items: v.items}
		}
		return nil
	case "Concat":
		return f.concat(n)
	case "Slice":
		return f.slice(n, v)
	case "Reshape":
		shape, ok := f.ints(n, 1)
		switch {
		case ok && len(shape) == 0 && len(v.items) == 1:
			return &value{t: v.t, scalar: true, items: v.items}
		case ok && len(shape) == 1 && (shape[0] == -1 || shape[0] == int64(len(v.items))):
			return &value{t: v.t, items: v.items}
		}
		return nil
	case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin":
		return reduce(n, v)
	case "Where":
		return f.where(n, v)
	}
	return nil
}

// weights says whether all operands are floating-point numbers of the file.
func (f *folder) weights(n *onnx.Node) bool {
	for i := range n.Inputs {
		if v := f.get(n, i); v == nil || !v.weight {
			return false
		}
	}
	return true
}

func itemOf(d onnx.Dim) item {
	if d.Size >= 0 {
		return item{known: true, n: float64(d.Size)}
	}
	return item{dim: d.Param}
}

// shape is the value of Shape; start and end since opset 15.
func (f *folder) shape(n *onnx.Node) *value {
	x, ok := f.shapes[n.Inputs[0]]
	if !ok {
		return nil
	}
	bound := func(name string, def int64) int {
		a := n.Int(name, def)
		if a < 0 {
			a += int64(len(x))
		}
		return int(max(0, min(a, int64(len(x)))))
	}
	v := &value{t: onnx.Int64}
	for i := bound("start", 0); i < bound("end", int64(len(x))); i++ {
		v.items = append(v.items, itemOf(x[i]))
	}
	return v
}

// filled is the value of a short ConstantOfShape of rank 0 or 1.
func (f *folder) filled(n *onnx.Node) *value {
	shape, ok := f.ints(n, 0)
	if !ok || len(shape) > 1 || (len(shape) == 1 && (shape[0] < 0 || shape[0] > mostFolded)) {
		return nil
	}
	v := &value{t: onnx.Float32, scalar: len(shape) == 0}
	fill := 0.0
	if a := n.Attr("value"); a != nil && a.T != nil {
		x, err := onnx.Values[float64](a.T)
		if err != nil || len(x) != 1 || !foldable(a.T.Type) {
			return nil
		}
		v.t, fill = a.T.Type, x[0]
	}
	count := int64(1)
	if len(shape) == 1 {
		count = shape[0]
	}
	for range count {
		v.items = append(v.items, item{known: true, n: fill})
	}
	return v
}

func foldable(t onnx.DataType) bool {
	return t == onnx.Int64 || t == onnx.Int32 || t == onnx.Bool || t == onnx.Float32
}

// scalarOps are operators of two numbers. Division of whole numbers cuts off.
var scalarOps = map[string]func(t onnx.DataType, a, b float64) float64{
	"Add": func(_ onnx.DataType, a, b float64) float64 { return a + b },
	"Sub": func(_ onnx.DataType, a, b float64) float64 { return a - b },
	"Mul": func(_ onnx.DataType, a, b float64) float64 { return a * b },
	"Div": func(t onnx.DataType, a, b float64) float64 {
		if t == onnx.Float32 {
			return a / b
		}
		return math.Trunc(a / b)
	},
	"Equal":          func(_ onnx.DataType, a, b float64) float64 { return truth(a == b) },
	"Greater":        func(_ onnx.DataType, a, b float64) float64 { return truth(a > b) },
	"Less":           func(_ onnx.DataType, a, b float64) float64 { return truth(a < b) },
	"GreaterOrEqual": func(_ onnx.DataType, a, b float64) float64 { return truth(a >= b) },
	"LessOrEqual":    func(_ onnx.DataType, a, b float64) float64 { return truth(a <= b) },
	"And":            func(_ onnx.DataType, a, b float64) float64 { return truth(a != 0 && b != 0) },
	"Or":             func(_ onnx.DataType, a, b float64) float64 { return truth(a != 0 || b != 0) },
	"Max":            func(_ onnx.DataType, a, b float64) float64 { return max(a, b) },
	"Min":            func(_ onnx.DataType, a, b float64) float64 { return min(a, b) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// pairwise applies an operator of two numbers, broadcasting a single one.
func (f *folder) pairwise(n *onnx.Node, a, b *value, op func(onnx.DataType, float64, float64) float64) *value {
	if b == nil || a.t != b.t {
		return nil
	}
	size := max(len(a.items), len(b.items))
	if len(a.items) == 0 || len(b.items) == 0 || (len(a.items) != size && len(a.items) != 1) || (len(b.items) != size && len(b.items) != 1) {
		return nil
	}
	out := &value{t: a.t, scalar: a.scalar && b.scalar}
	switch n.OpType {
	case "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual":
		out.t = onnx.Bool
	}
	for i := range size {
		x, y := a.items[i%len(a.items)], b.items[i%len(b.items)]
		r := item{}
		switch {
		case x.known && y.known && (n.OpType != "Div" || y.n != 0):
			r = item{known: true, n: op(a.t, x.n, y.n)}
			if a.t == onnx.Float32 {
				r.n = float64(float32(r.n))
			}
		// A size times or divided by 1, or plus 0, is itself.
		case x.dim != "" && y.known && (((n.OpType == "Mul" || n.OpType == "Div") && y.n == 1) || ((n.OpType == "Add" || n.OpType == "Sub") && y.n == 0)):
			r = x
		case y.dim != "" && x.known && ((n.OpType == "Mul" && x.n == 1) || (n.OpType == "Add" && x.n == 0)):
			r = y
		// A size is not negative, which exporters compare it with.
		case n.OpType == "Equal" && ((x.dim != "" && y.known && y.n < 0) || (y.dim != "" && x.known && x.n < 0)):
			r = item{known: true}
		}
		out.items = append(out.items, r)
	}
	return out
}

func cast(v *value, to onnx.DataType) *value {
	if !foldable(to) {
		return nil
	}
	out := &value{t: to, scalar: v.scalar}
	for _, x := range v.items {
		switch {
		case x.known && to == onnx.Bool:
			x.n = truth(x.n != 0)
		case x.known && to == onnx.Float32:
			x.n = float64(float32(x.n))
		case x.known:
			x.n = math.Trunc(x.n)
		case to == onnx.Bool:
			x = item{}
		}
		out.items = append(out.items, x)
	}
	return out
}

func unary(v *value, op string) *value {
	out := &value{t: v.t, scalar: v.scalar}
	for _, x := range v.items {
		switch {
		case !x.known && (op == "Floor" || op == "Ceil"): // of a size, it stays one
		case !x.known:
			x = item{}
		case op == "Neg":
			x.n = -x.n
		case op == "Not":
			x.n = truth(x.n == 0)
		case op == "Floor":
			x.n = math.Floor(x.n)
		case op == "Ceil":
			x.n = math.Ceil(x.n)
		}
		out.items = append(out.items, x)
	}
	return out
}

func (f *folder) gather(n *onnx.Node, v *value) *value {
	index := f.get(n, 1)
	if n.Int("axis", 0) != 0 || v.scalar || !index.known() {
		return nil
	}
	out := &value{t: v.t, scalar: index.scalar}
	for _, x := range index.items {
		i := int(x.n)
		if i < 0 {
			i += len(v.items)
		}
		if i < 0 || i >= len(v.items) {
			return nil
		}
		out.items = append(out.items, v.items[i])
	}
	return out
}

func (f *folder) unsqueeze(n *onnx.Node, v *value) *value {
	axes := n.Ints("axes", nil)
	if f.opset >= 13 {
		var ok bool
		if axes, ok = f.ints(n, 1); !ok {
			return nil
		}
	}
	if !v.scalar || len(axes) != 1 {
		return nil
	}
	return &value{t: v.t, items: v.items}
}

func (f *folder) concat(n *onnx.Node) *value {
	if n.Int("axis", 0) != 0 && n.Int("axis", 0) != -1 {
		return nil
	}
	out := &value{}
	for i := range n.Inputs {
		v := f.get(n, i)
		if v == nil || v.scalar || (i > 0 && v.t != out.t) {
			return nil
		}
		out.t = v.t
		out.items = append(out.items, v.items...)
	}
	if len(out.items) > mostFolded {
		return nil
	}
	return out
}

func (f *folder) slice(n *onnx.Node, v *value) *value {
	starts, ends := n.Ints("starts", nil), n.Ints("ends", nil)
	step := int64(1)
	if f.opset >= 10 {
		var ok1, ok2 bool
		starts, ok1 = f.ints(n, 1)
		ends, ok2 = f.ints(n, 2)
		if !ok1 || !ok2 {
			return nil
		}
		if len(n.Inputs) > 4 && n.Inputs[4] != "" {
			s, ok := f.ints(n, 4)
			if !ok || len(s) != 1 {
				return nil
			}
			step = s[0]
		}
	}
	if v.scalar || len(starts) != 1 || len(ends) != 1 || step < 1 {
		return nil
	}
	size := int64(len(v.items))
	bound := func(x int64) int64 {
		if x < 0 {
			x += size
		}
		return max(0, min(x, size))
	}
	out := &value{t: v.t}
	for i := bound(starts[0]); i < bound(ends[0]); i += step {
		out.items = append(out.items, v.items[i])
	}
	return out
}

// reduce folds a whole list into one number.
func reduce(n *onnx.Node, v *value) *value {
	if !v.known() || v.scalar || len(v.items) == 0 {
		return nil
	}
	all := make([]float64, len(v.items))
	for i, x := range v.items {
		all[i] = x.n
	}
	r := all[0]
	for _, x := range all[1:] {
		switch n.OpType {
		case "ReduceProd":
			r *= x
		case "ReduceSum":
			r += x
		}
	}
	switch n.OpType {
	case "ReduceMax":
		r = slices.Max(all)
	case "ReduceMin":
		r = slices.Min(all)
	}
	if v.t == onnx.Float32 {
		return nil // the order of the sum is the runtime's own
	}
	return &value{t: v.t, scalar: n.Int("keepdims", 1) == 0, items: []item{{known: true, n: r}}}
}

func (f *folder) where(n *onnx.Node, cond *value) *value {
	if len(n.Inputs) != 3 {
		return nil
	}
	a, b := f.get(n, 1), f.get(n, 2)
	if a == nil || b == nil || a.t != b.t || !cond.known() {
		return nil
	}
	size := max(len(cond.items), len(a.items), len(b.items))
	for _, v := range []*value{cond, a, b} {
		if len(v.items) != size && len(v.items) != 1 {
			return nil
		}
	}
	out := &value{t: a.t, scalar: cond.scalar && a.scalar && b.scalar}
	for i := range size {
		if cond.items[i%len(cond.items)].n != 0 {
			out.items = append(out.items, a.items[i%len(a.items)])
		} else {
			out.items = append(out.items, b.items[i%len(b.items)])
		}
	}
	return out
}
