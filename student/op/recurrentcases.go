// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/onnx"

// intAttr is an integer attribute.
func intAttr(name string, v int64) onnx.Attr { return onnx.Int(name, v) }

// recurrentCases are the forms every recurrent operator is checked in. The runtime
// computes layout 0 alone.
func recurrentCases(gates int, cell bool) []Case {
	const steps, inputs, hidden = 4, 3, 2
	const layoutReason = "the runtime computes layout 0 alone"
	outs := 2
	if cell {
		outs = 3
	}
	in := func(layout, dirs, sequences int, bias, states bool) []Arg {
		x, state := []int{steps, sequences, inputs}, []int{dirs, sequences, hidden}
		if layout == 1 {
			x, state = []int{sequences, steps, inputs}, []int{sequences, dirs, hidden}
		}
		b, h0, c0 := Arg{Omit: true}, Arg{Omit: true}, Arg{Omit: true}
		if bias {
			b = Arg{Shape: []int{dirs, 2 * gates * hidden}}
		}
		if states {
			h0 = Arg{Shape: state, Batched: layout == 1}
			c0 = h0
		}
		args := []Arg{{Shape: x, Shared: layout == 0}, {Shape: []int{dirs, gates * hidden, inputs}}, {Shape: []int{dirs, gates * hidden, hidden}}, b, {Omit: true}, h0}
		if cell {
			args = append(args, c0)
		}
		return args
	}
	attrs := func(layout int64, direction string) []onnx.Attr {
		list := []onnx.Attr{intAttr("hidden_size", hidden), onnx.String("direction", direction)}
		if layout == 1 {
			list = append(list, intAttr("layout", 1))
		}
		return list
	}
	full := in(0, 1, 3, true, false)
	full[4] = Arg{Shape: []int{3}, Ints: []int64{steps, steps, steps}, Type: onnx.Int32}
	whole := in(1, 1, 3, true, true)
	whole[0].Shared = true
	for i := range whole {
		whole[i].Batched = false
	}
	return []Case{
		{Name: "forward", Outputs: outs, Attrs: attrs(0, "forward"), In: in(0, 1, 3, true, false)},
		{Name: "oldest opset", Opset: 7, Outputs: outs, Attrs: attrs(0, "forward"), In: in(0, 1, 3, true, false)},
		{Name: "no bias", Outputs: outs, Attrs: attrs(0, "forward"), In: in(0, 1, 3, false, false)},
		{Name: "Y alone", Attrs: attrs(0, "forward"), In: in(0, 1, 3, true, true)},
		{Name: "initial states", Outputs: outs, Attrs: attrs(0, "forward"), In: in(0, 1, 3, true, true)},
		{Name: "reverse", Outputs: outs, Attrs: attrs(0, "reverse"), In: in(0, 1, 7, true, true)},
		{Name: "bidirectional", Outputs: outs, Attrs: attrs(0, "bidirectional"), In: in(0, 2, 3, true, true)},
		{Name: "full lengths", Outputs: outs, Attrs: attrs(0, "forward"), In: full},
		{Name: "samples first", Outputs: outs, Attrs: attrs(1, "forward"), In: in(1, 1, 5, true, false), NoRuntime: layoutReason},
		{Name: "samples first, bidirectional", Outputs: outs, Attrs: attrs(1, "bidirectional"), In: in(1, 2, 5, true, true), NoRuntime: layoutReason},
		{Name: "samples first, reverse, two a sample", Outputs: outs, Attrs: attrs(1, "reverse"), In: in(1, 1, 10, false, true), NoRuntime: layoutReason},
		{Name: "samples first, weights", Outputs: outs, Attrs: attrs(1, "forward"), In: whole, NoRuntime: layoutReason},
	}
}
