// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// StaticOptions say how Static writes integers.
type StaticOptions struct {
	Calibrator *Calibrator
	Integers   Integers
	// Correct moves the mean error that the rounding of a layer's weights makes out
	// of its bias (M. Nagel et al., Data-Free Quantization through Weight
	// Equalization and Bias Correction, arXiv:1906.04721, section 4.2).
	Correct bool

	// Learned steps of activations by root tensor and of weights by initializer;
	// zero points are those of the calibrated steps.
	steps       map[string]float32
	weightSteps map[string][]float32
	// Rounding are integers of weights by initializer, in the place of the nearest
	// ones: those that AdaRound found.
	Rounding map[string][]int8
}

// Static returns the model with QuantizeLinear and DequantizeLinear around the
// nodes of the plan, in the form that ONNX Runtime turns into integer operators:
// weights int8, symmetric, with a scale an output channel (one scale in all
// below opset 13); activations with a zero point that is the smallest integer
// where nothing is negative; biases int32. Interface and opset stay.
func (p *Plan) Static(o *Observation, opt StaticOptions) (*Static, error) {
	m := p.Model.Clone()
	g := m.Graph
	e := &emitter{Plan: p, opt: opt, seen: o, b: onnx.NewBuilder(g, ""), g: g, single: p.w.opset < perChannel,
		names: map[string]string{}, scales: map[string]scale{}, zeros: map[onnx.DataType]string{}, weights: map[string]*storedWeight{}, stored: map[string]string{}}
	for _, name := range p.order {
		s, err := e.scaleOf(p.tensors[name].root)
		if err != nil {
			return nil, err
		}
		e.scales[name] = s
	}
	originals := p.Model.Graph.Nodes
	nodes := g.Nodes
	g.Nodes = nil
	for _, v := range p.Model.Graph.DataInputs() {
		e.insert(v.Name)
	}
	for i, n := range nodes {
		if before := g.Nodes; e.clips(originals[i]) {
			// The integers of what it reads end where its own values do.
			name := originals[i].Outputs[0]
			for _, x := range slices.Backward(before) {
				if len(x.Outputs) == 1 && x.Outputs[0] == originals[i].Inputs[0] {
					x.Outputs[0] = e.raw(name)
					break
				}
			}
			e.insert(name)
			continue
		}
		r := p.rule[originals[i]]
		var data map[int]string
		if r != nil {
			data = r.data(p.w, originals[i])
		}
		for at, in := range n.Inputs {
			a := p.tensors[in]
			if a == nil {
				continue
			}
			if _, isData := data[at]; isData && !a.born {
				n.Inputs[at] = e.names[in]
			}
		}
		if r != nil && r.Role == product {
			e.layer(n, originals[i].Inputs[0], r)
		}
		var made []string
		for at, out := range n.Outputs {
			if a := p.tensors[out]; a != nil {
				made = append(made, out)
				if a.born {
					n.Outputs[at] = e.raw(out)
				}
			}
		}
		g.Nodes = append(g.Nodes, n)
		for _, out := range made {
			e.insert(out)
		}
	}
	dropUnread(g)
	e.renameBack()
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("int8: %w", err)
	}
	return &Static{Model: m, layers: e.layers}, nil
}

// clips says whether a node is a Relu or Clip whose work the QuantizeLinear behind
// it does: integers begin at zero, and end within the Clip's bound.
func (e *emitter) clips(n *onnx.Node) bool {
	if n.OpType != "Relu" && n.OpType != "Clip" {
		return false
	}
	made := e.w.producer[n.Inputs[0]]
	if made == nil || e.rule[made] == nil || len(n.Outputs) != 1 {
		return false
	}
	out, _ := e.result(made)
	a := e.tensors[out]
	qlo, _ := e.opt.Integers.ends()
	return out == n.Outputs[0] && a != nil && a.born && a.root == out && e.scales[out].zero == qlo
}

// Static is a model whose layers compute with integers of fixed scales.
type Static struct {
	Model  *onnx.Model
	layers []staticLayer
}

// staticLayer is a layer, in the model and as it was before.
type staticLayer struct {
	node   *onnx.Node
	out    string // its output in the float model
	source string // the weight's initializer there
	weight *storedWeight
	bias   *onnx.Tensor // nil for a MatMul
	steps  []float32    // of the bias, one a channel or one in all
}

// emitter is a model being written.
type emitter struct {
	*Plan
	opt    StaticOptions
	seen   *Observation
	b      *onnx.Builder
	g      *onnx.Graph
	single bool
	// names are what integer operators read instead of a tensor.
	names   map[string]string
	rawName string
	scales  map[string]scale
	zeros   map[onnx.DataType]string
	weights map[string]*storedWeight
	layers  []staticLayer
	// stored are initializers that stand for others, by their names.
	stored map[string]string
}

// store adds an initializer that stands for the one called name.
func (e *emitter) store(t *onnx.Tensor, name string) string {
	is := e.b.Init(t)
	if name != "" {
		e.stored[is] = name
	}
	return is
}

// renameBack gives what is stored the name of what it stands for, where that is
// gone.
func (e *emitter) renameBack() {
	have := map[string]bool{}
	for _, t := range e.g.Initializers {
		have[t.Name] = true
	}
	renamed := map[string]string{}
	for _, t := range e.g.Initializers {
		if name := e.stored[t.Name]; name != "" && !have[name] {
			have[name] = true
			renamed[t.Name] = name
			t.Name = name
		}
	}
	for _, n := range e.g.Nodes {
		for i, in := range n.Inputs {
			if name := renamed[in]; name != "" {
				n.Inputs[i] = name
			}
		}
	}
	e.g.ValueInfo = slices.DeleteFunc(e.g.ValueInfo, func(v *onnx.Value) bool { return have[v.Name] })
}

// scale is what an activation's integers mean, and the initializers that say so.
type scale struct {
	step       float32
	stepName   string
	zeroName   string
	zero       float64
	rootTensor string
}

// storedWeight is a weight that was written as integers for one axis.
type storedWeight struct {
	grid   *grid
	q      []int8
	name   string // the initializer
	tensor *onnx.Tensor
	out    string // of its DequantizeLinear
}

// scaleOf writes the scale and zero point of a tensor, once. The model's own inputs
// are never clipped: pixels stand on a grid of 256 numbers, which the whole range
// holds exactly.
func (e *emitter) scaleOf(root string) (scale, error) {
	if s, ok := e.scales[root]; ok && s.stepName != "" {
		return s, nil
	}
	h := e.seen.of(root)
	if h == nil {
		return scale{}, fmt.Errorf("int8: tensor %q was not observed", root)
	}
	lo, hi := h.limits()
	if !e.w.given[root] {
		lo, hi = e.opt.Calibrator.Range(h)
	}
	lo, hi = min(lo, 0), max(hi, 0)
	if most := e.tensors[root].most; most > 0 {
		hi = min(hi, most)
	}
	qlo, qhi := e.opt.Integers.ends()
	step := float32((hi - lo) / (qhi - qlo))
	if most := e.tensors[root].most; most > 0 {
		step = min(step, belowBound(most, qhi-qlo))
	}
	if !(step > 1e-20) {
		step = 1 // nothing but zeros were seen
	}
	zero := min(max(math.RoundToEven(qlo-lo/float64(step)), qlo), qhi)
	if learned := e.opt.steps[root]; learned > 0 {
		step = learned
		if most := e.tensors[root].most; most > 0 {
			step = min(step, belowBound(most, qhi-qlo))
		}
	}
	s := scale{step: step, zero: zero, rootTensor: root}
	s.stepName = e.b.Float32("s", nil, []float32{step})
	s.zeroName = e.zeroPoint(zero)
	e.scales[root] = s
	return s, nil
}

// belowBound is the largest step of which n stay within a Clip's bound: the Clip
// before a QuantizeLinear goes only if no integer lies beyond.
func belowBound(most, n float64) float32 {
	step := float32(most / n)
	for step*float32(n) > float32(most) {
		step = math.Nextafter32(step, 0)
	}
	return step
}

// zeroPoint is a scalar of the activations' type; the one of qmin is shared.
func (e *emitter) zeroPoint(zero float64) string {
	qlo, _ := e.opt.Integers.ends()
	typ := e.opt.Integers.Activation
	if zero == qlo && e.zeros[typ] != "" {
		return e.zeros[typ]
	}
	name := e.b.Init(&onnx.Tensor{Name: "z", Type: typ, Data: []byte{byte(int(zero))}})
	if zero == qlo {
		e.zeros[typ] = name
	}
	return name
}

// raw is the name under which a node computes a tensor that others see only
// through integers.
func (e *emitter) raw(name string) string {
	e.rawName = e.b.Name("r")
	return e.rawName
}

// insert puts QuantizeLinear and DequantizeLinear behind a tensor. One that an
// integer operator computes keeps its name for what everybody reads.
func (e *emitter) insert(name string) {
	a := e.tensors[name]
	if a == nil {
		return
	}
	s := e.scales[name]
	from, q, to := name, e.b.Name("q"), name
	if a.born {
		from = e.rawName
	} else {
		to = e.b.Name("d")
	}
	e.names[name] = to
	e.g.Nodes = append(e.g.Nodes,
		&onnx.Node{OpType: "QuantizeLinear", Inputs: []string{from, s.stepName, s.zeroName}, Outputs: []string{q}},
		&onnx.Node{OpType: "DequantizeLinear", Inputs: []string{q, s.stepName, s.zeroName}, Outputs: []string{to}})
}

// layer gives a weighted sum that reads input integer weights and bias.
func (e *emitter) layer(n *onnx.Node, input string, r *rule) {
	s := e.scales[input]
	axis := r.Axis(n)
	l := staticLayer{node: n, out: n.Outputs[0], source: n.Inputs[1], weight: e.weight(n.Inputs[1], axis, s.step, n)}
	w := l.weight
	n.Inputs[1] = w.out
	bias := e.bias(n)
	if e.opt.Correct && n.OpType != "MatMul" {
		if shift := e.meanError(n, input, w); shift != nil {
			if bias == nil {
				bias = make([]float32, len(shift))
			}
			for i, v := range shift {
				bias[i] -= float32(v)
			}
		}
	}
	if bias == nil && n.OpType != "MatMul" {
		bias = make([]float32, w.grid.dims[axis])
	}
	if bias == nil {
		e.layers = append(e.layers, l)
		return
	}
	q := make([]int32, len(bias))
	steps := make([]float32, len(w.grid.scales))
	for i := range steps {
		steps[i] = s.step * w.grid.scales[i]
	}
	for i, v := range bias {
		step := s.step * w.grid.scale(i)
		q[i] = int32(min(max(math.RoundToEven(float64(v)/float64(step)), math.MinInt32), math.MaxInt32))
	}
	name := ""
	if len(n.Inputs) > 2 {
		name = n.Inputs[2]
	}
	t := int32Tensor("b", []int64{int64(len(q))}, q)
	out := e.dequantized(e.store(t, name), steps, 0, "")
	l.bias, l.steps = t, steps
	e.layers = append(e.layers, l)
	n.Inputs = append(n.Inputs[:2:2], out)
}

// bias are the layer's numbers to add, nil if it has none.
func (e *emitter) bias(n *onnx.Node) []float32 {
	if len(n.Inputs) < 3 || n.Inputs[2] == "" {
		return nil
	}
	return slices.Clone(e.w.float(n.Inputs[2]))
}

// weight writes a weight as integers, once for each axis. A scale so small that
// the bias would leave int32 is raised.
func (e *emitter) weight(name string, axis int, step float32, n *onnx.Node) *storedWeight {
	t := e.w.constant(name)
	g := newGrid(e.w.float(name), t.Dims, axis, e.opt.Integers.weightMost(), e.single)
	if learned := e.opt.weightSteps[name]; len(learned) == len(g.scales) {
		copy(g.scales, learned)
	}
	for c, b := range e.bias(n) {
		g.atLeast(c, float32(math.Abs(float64(b))/(float64(step)*0x1p30)))
	}
	key := fmt.Sprint(name, "/", axis)
	if w := e.weights[key]; w != nil && slices.Equal(w.grid.scales, g.scales) {
		return w
	}
	w := &storedWeight{grid: g, q: g.integers()}
	if q := e.opt.Rounding[name]; len(q) == len(w.q) {
		w.q = slices.Clone(q)
	}
	w.tensor = int8Tensor("w", slices.Clone(t.Dims), w.q)
	w.name = e.store(w.tensor, name)
	zero := e.b.Init(&onnx.Tensor{Name: "z", Type: onnx.Int8, Data: make([]byte, len(g.scales)), Dims: perChannelDims(g.scales)})
	w.out = e.dequantized(w.name, g.scales, axis, zero)
	e.weights[key] = w
	return w
}

// perChannelDims is the shape of a scale a channel, or of one scale.
func perChannelDims(scales []float32) []int64 {
	if len(scales) == 1 {
		return nil
	}
	return []int64{int64(len(scales))}
}

// dequantized appends a DequantizeLinear of a constant and returns its output.
func (e *emitter) dequantized(name string, scales []float32, axis int, zero string) string {
	in := []string{name, e.b.Float32("s", perChannelDims(scales), scales)}
	if zero != "" {
		in = append(in, zero)
	}
	n := &onnx.Node{OpType: "DequantizeLinear", Inputs: in, Outputs: []string{e.b.Name("w")}}
	if len(scales) > 1 {
		n.Attrs = append(n.Attrs, onnx.Int("axis", int64(axis)))
	}
	e.g.Nodes = append(e.g.Nodes, n)
	return n.Outputs[0]
}

// meanError is how far the mean of each output channel moves when the weights are
// rounded, seen on the mean inputs; padding is not looked at. Nil where the means
// are not known.
func (e *emitter) meanError(n *onnx.Node, input string, w *storedWeight) []float64 {
	mean := e.seen.Means[input]
	dims, axis := w.grid.dims, w.grid.axis
	groups, fan := 1, 1 // input channels a group
	if n.OpType == "Conv" {
		groups, fan = int(n.Int("group", 1)), int(dims[1])
	} else {
		fan = int(dims[1-axis])
	}
	if len(mean) != groups*fan {
		return nil
	}
	shift := make([]float64, dims[axis])
	inner := 1
	for _, d := range dims[2:] {
		inner *= int(d)
	}
	for i, q := range w.q {
		c := w.grid.channel(i)
		var from int
		switch {
		case n.OpType == "Conv":
			from = c/(int(dims[0])/groups)*fan + i/inner%fan
		case axis == 0:
			from = i % fan
		default:
			from = i / int(dims[1])
		}
		shift[c] += (float64(q)*float64(w.grid.scale(c)) - float64(w.grid.v[i])) * mean[from]
	}
	return shift
}

// dropUnread removes initializers that nobody reads and nodes' leftovers.
func dropUnread(g *onnx.Graph) {
	read := map[string]bool{}
	for _, n := range g.Nodes {
		for _, in := range n.Reads() {
			read[in] = true
		}
	}
	for _, v := range slices.Concat(g.Outputs, g.Inputs) {
		read[v.Name] = true
	}
	g.Initializers = slices.DeleteFunc(g.Initializers, func(t *onnx.Tensor) bool { return !read[t.Name] })
}
