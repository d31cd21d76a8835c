// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// place says where in a tensor the batch is.
type place int

const (
	nowhere   place = iota // the tensor is the same for every input
	first                  // dimension 0, sample by sample
	somewhere              // it depends on the inputs in a way not followed
)

var (
	errMixes = errors.New("works across the first dimension, so samples of a larger batch would influence each other")
	errBaked = errors.New("a constant shape has the batch built in, in a way that cannot be opened")
)

// flow follows the batch through a graph and opens constant shapes on its way.
type flow struct {
	g     *onnx.Graph
	b     *onnx.Builder
	opset int64
	batch int64
	at    map[string]place
}

// openFlow prepares the nodes of a model that declares a fixed batch for any.
func openFlow(m *onnx.Model, batch int64) error {
	f := &flow{g: m.Graph, b: onnx.NewBuilder(m.Graph, ""), opset: m.Opset(""), batch: batch, at: map[string]place{}}
	for _, v := range m.Graph.DataInputs() {
		f.at[v.Name] = first
		if v.Ranked && len(v.Dims) == 0 {
			f.at[v.Name] = nowhere
		}
	}
	for _, n := range m.Graph.Nodes {
		where, err := f.node(n)
		if err != nil {
			name := n.Name
			if name == "" {
				name = n.Outputs[0]
			}
			return &onnx.Error{Node: name, Op: n.OpType, Err: err}
		}
		for _, o := range n.Outputs {
			f.at[o] = where
		}
	}
	for _, v := range m.Graph.Outputs {
		if len(v.Dims) == 0 || f.at[v.Name] == nowhere {
			continue
		}
		if d := v.Dims[0]; d.Size >= 0 && d.Size != batch {
			return &onnx.Error{Err: fmt.Errorf("output %q has %d as its first dimension, not the batch %d of the inputs", v.Name, d.Size, batch)}
		}
	}
	removeDead(m.Graph)
	return nil
}

// node returns where the batch is in the outputs of a node.
func (f *flow) node(n *onnx.Node) (place, error) {
	var in []place
	most := nowhere
	for _, name := range n.Inputs {
		in = append(in, f.at[name])
	}
	for _, name := range n.Reads() {
		most = max(most, f.at[name])
	}
	if most == nowhere {
		return nowhere, nil
	}
	if !standard(n) || len(in) == 0 {
		return somewhere, nil
	}
	if n.OpType == "Reshape" {
		return f.reshape(n, in[0])
	}
	if most == somewhere {
		return somewhere, f.recurrent(n)
	}
	if slices.Contains(samplewise, n.OpType) {
		return first, nil
	}
	if rule := rules[n.OpType]; rule != nil {
		return rule(f, n, in)
	}
	return somewhere, f.recurrent(n)
}

// samplewise are the operators that treat each sample by itself and leave the
// first dimension as it is, as far as their operands with a batch have it there.
var samplewise = []string{
	"Abs", "Add", "And", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Conv", "ConvTranspose",
	"Cos", "DepthToSpace", "DequantizeLinear", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu",
	"GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "GroupNormalization",
	"HardSigmoid", "HardSwish", "Identity", "InstanceNormalization", "LRN", "LeakyRelu", "Less", "LessOrEqual", "Log",
	"LpPool", "Max", "MaxPool", "Min", "Mish", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow", "QuantizeLinear",
	"Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "SpaceToDepth", "Sqrt",
	"Sub", "Sum", "Swish", "Tanh", "ThresholdedRelu", "Upsample", "Where",
}

// rules are the operators that must be looked at, given that at least one operand
// has the batch first and none has it elsewhere.
var rules = map[string]func(f *flow, n *onnx.Node, in []place) (place, error){
	"Gemm": func(_ *flow, n *onnx.Node, in []place) (place, error) {
		if in[0] == first && n.Int("transA", 0) == 0 && in[1] == nowhere {
			return first, nil
		}
		return somewhere, nil
	},
	"MatMul": func(_ *flow, _ *onnx.Node, in []place) (place, error) {
		if in[0] == first {
			return first, nil
		}
		return somewhere, nil
	},
	"Flatten": func(_ *flow, n *onnx.Node, _ []place) (place, error) {
		switch n.Int("axis", 1) {
		case 0:
			return 0, errMixes
		case 1:
			return first, nil
		}
		return somewhere, nil
	},
	"Transpose": func(_ *flow, n *onnx.Node, _ []place) (place, error) {
		if perm := n.Ints("perm", nil); len(perm) > 0 && perm[0] == 0 {
			return first, nil
		}
		return somewhere, nil
	},
	"Concat": func(_ *flow, n *onnx.Node, in []place) (place, error) {
		switch {
		case n.Int("axis", 1) == 0:
			return somewhere, nil
		case slices.Contains(in, nowhere):
			return 0, errors.New("joins the samples with a constant made for the declared batch")
		}
		return first, nil
	},
	"Gather": func(_ *flow, n *onnx.Node, in []place) (place, error) {
		switch axis := n.Int("axis", 0); {
		case in[0] == nowhere && axis == 0:
			return first, nil
		case in[0] == first && axis == 0:
			return 0, errMixes
		case in[1] == nowhere:
			return first, nil
		}
		return somewhere, nil
	},
	"Expand": func(f *flow, n *onnx.Node, in []place) (place, error) {
		if s, ok := f.ints(n, 1); ok && len(s) > 0 && s[0] == 1 {
			return first, nil
		}
		return 0, errBaked
	},
	"Resize": func(_ *flow, n *onnx.Node, _ []place) (place, error) {
		if len(n.Inputs) > 3 && n.Inputs[3] != "" && n.Attr("axes") == nil {
			return 0, errBaked
		}
		return first, nil
	},
	"Slice":              slice,
	"Squeeze":            overAxes(1, "axes", errMixes),
	"Unsqueeze":          overAxes(1, "axes", nil),
	"Split":              overAxis(0),
	"Softmax":            overAxis(-1),
	"LogSoftmax":         overAxis(-1),
	"Hardmax":            overAxis(-1),
	"ArgMax":             overAxis(0),
	"ArgMin":             overAxis(0),
	"TopK":               overAxis(-1),
	"LayerNormalization": overAxis(-1),
	"LpNormalization":    overAxis(-1),
}

func init() {
	for _, op := range []string{"L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"} {
		rules["Reduce"+op] = overAxes(1, "axes", errMixes)
	}
}

// overAxis is the rule of operators that work along one axis.
func overAxis(def int64) func(*flow, *onnx.Node, []place) (place, error) {
	return func(_ *flow, n *onnx.Node, _ []place) (place, error) {
		if n.Int("axis", def) == 0 {
			return 0, errMixes
		}
		return first, nil
	}
}

// overAxes is the rule of operators that work along the axes of an attribute or
// of a constant operand; none means all. Axis 0 gives the error, or loses track
// of the batch where that is nil.
func overAxes(operand int, attr string, onFirst error) func(*flow, *onnx.Node, []place) (place, error) {
	return func(f *flow, n *onnx.Node, _ []place) (place, error) {
		axes, known := n.Ints(attr, nil), true
		if len(n.Inputs) > operand && n.Inputs[operand] != "" {
			axes, known = f.ints(n, operand)
		}
		switch {
		case !known:
			return somewhere, nil
		case len(axes) == 0 && n.Int("noop_with_empty_axes", 0) != 0:
			return first, nil
		case len(axes) == 0 || slices.Contains(axes, 0):
			return somewhere, onFirst
		}
		return first, nil
	}
}

// slice allows axis 0 only where all of it is taken.
func slice(f *flow, n *onnx.Node, _ []place) (place, error) {
	starts, ends, axes := n.Ints("starts", nil), n.Ints("ends", nil), n.Ints("axes", nil)
	if len(n.Inputs) > 2 {
		var okStarts, okEnds bool
		starts, okStarts = f.ints(n, 1)
		ends, okEnds = f.ints(n, 2)
		if !okStarts || !okEnds {
			return somewhere, nil
		}
	}
	if len(n.Inputs) > 3 && n.Inputs[3] != "" {
		var ok bool
		if axes, ok = f.ints(n, 3); !ok {
			return somewhere, nil
		}
	}
	at := slices.Index(axes, 0)
	if axes == nil {
		at = 0
	}
	if at < 0 {
		return first, nil
	}
	if at < len(starts) && at < len(ends) && starts[at] == 0 && ends[at] >= math.MaxInt32 {
		return first, nil
	}
	return 0, errMixes
}

// recurrent refuses initial states that are made for one batch.
func (f *flow) recurrent(n *onnx.Node) error {
	if n.OpType != "LSTM" && n.OpType != "GRU" && n.OpType != "RNN" {
		return nil
	}
	for i := 5; i < min(len(n.Inputs), 7); i++ {
		if n.Inputs[i] != "" && f.at[n.Inputs[i]] == nowhere {
			return errors.New("its initial state is a constant made for the declared batch")
		}
	}
	return nil
}

// ints reads a constant integer operand.
func (f *flow) ints(n *onnx.Node, operand int) ([]int64, bool) {
	if len(n.Inputs) <= operand {
		return nil, false
	}
	name := n.Inputs[operand]
	t := f.g.Initializer(name)
	if p := f.g.Producers()[name]; t == nil && p != nil && p.OpType == "Constant" && standard(p) {
		t, _ = constantValue(p)
	}
	if t == nil {
		return nil, false
	}
	v, err := onnx.Values[int64](t)
	return v, err == nil
}
