// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// Arch is an architecture: a rule that emits a graph for any size.
type Arch struct {
	Name    string
	Summary string
	Options []Option
	// Fits says why the architecture cannot read these inputs, nil if it can.
	Fits func(inputs []Input) error
	// Propose lists what to try for inputs it can read: options, all but the width,
	// which is chosen by size. Nil proposes the defaults.
	Propose func(inputs []Input) []map[string]string
	// Gives says why the architecture cannot give an answer of this per-sample
	// shape, nil if it can. An architecture without it gives one vector, which is
	// cut and shaped into whatever answers there are.
	Gives func(inputs []Input, answer []int) error
	// Emit appends the layers and returns the tensor of logits, [N, width], or that
	// of the answer where the architecture has Gives.
	Emit func(e *Emitter) string
}

var archs = map[string]*Arch{}

// register adds an architecture; package-level variables of this package call it.
func register(a Arch) *Arch {
	if archs[a.Name] != nil {
		panic("student: registered twice: " + a.Name)
	}
	archs[a.Name] = &a
	return &a
}

// Names lists the architectures, sorted.
func Names() []string {
	var names []string
	for n := range archs {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Lookup returns the architecture called name, nil if there is none.
func Lookup(name string) *Arch { return archs[name] }

// Suits says why the architecture cannot take the place of a teacher, nil if it
// can.
func (a *Arch) Suits(sig Signature) error {
	inputs := sig.Reads()
	if err := a.Fits(inputs); err != nil || a.Gives == nil {
		return err
	}
	if len(sig.More) > 0 {
		return fmt.Errorf("a %s gives one answer, the teacher %d", a.Name, 1+len(sig.More))
	}
	return a.Gives(inputs, sig.Logits)
}

func (a *Arch) optionNames() string {
	var names []string
	for _, o := range a.Options {
		names = append(names, o.Name)
	}
	return strings.Join(names, ", ")
}

// Emitter appends layers with seeded weights to a graph.
type Emitter struct {
	*onnx.Builder
	// Inputs are the model's inputs.
	Inputs []Input
	// Width is the number of logits a sample.
	Width int

	// Answer is the per-sample shape of the answer, for architectures with Gives.
	Answer []int

	dense  bool // Emit gives the answer's own shape
	opset  int64
	arch   *Arch
	spec   Spec
	seed   uint64
	count  bool  // only count the weights
	params int64 // weights so far
}

// maxParams bounds the weights of a student: an ONNX file ends at 2 GiB.
const maxParams = 1<<29 - 1<<20

// Input is a graph input an architecture reads.
type Input struct {
	Tensor string
	Type   onnx.DataType
	Shape  []int // without the batch dimension
	// Vocab is the number of rows of the table that the teacher looks the input's
	// whole numbers up in, 0 where it does not.
	Vocab int
}

// Float is an input as a float32 tensor.
func (e *Emitter) Float(in Input) string {
	if in.Type == onnx.Float32 {
		return in.Tensor
	}
	return e.Op("Cast", []string{in.Tensor}, onnx.Int("to", int64(onnx.Float32)))
}

// Int is the value of a numeric option.
func (e *Emitter) Int(name string) int {
	n, err := strconv.Atoi(e.Text(name))
	if err != nil {
		panic("student: not a numeric option: " + name)
	}
	return n
}

// Text is the value of an option.
func (e *Emitter) Text(name string) string {
	if v, ok := e.spec.Options[name]; ok {
		return v
	}
	for _, o := range e.arch.Options {
		if o.Name == name {
			return o.Default
		}
	}
	panic("student: no such option: " + name)
}

// Normal is an initializer of normal numbers with standard deviation std, drawn
// from the seed and the tensor's name alone: layers do not disturb each other.
func (e *Emitter) Normal(stem string, std float64, dims ...int64) string {
	name := e.Name(stem)
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(e.seed, h.Sum64()))
	v := e.room(dims)
	if v == nil {
		return name
	}
	for i := range v {
		v[i] = float32(r.NormFloat64() * std)
	}
	e.G.Initializers = append(e.G.Initializers, onnx.NewFloat32(name, dims, v))
	return name
}

// Constant is an initializer filled with one value.
func (e *Emitter) Constant(stem string, value float32, dims ...int64) string {
	v := e.room(dims)
	if v == nil {
		return e.Name(stem)
	}
	for i := range v {
		v[i] = value
	}
	return e.Float32(stem, dims, v)
}

// room is memory for a weight, nil where weights are only counted.
func (e *Emitter) room(dims []int64) []float32 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	e.params += n
	if e.count {
		return nil
	}
	return make([]float32, n)
}

// Linear is a Gemm from in to out features with a bias. Gain is the variance the
// weights are to keep: 2 before a ReLU (He et al. 2015, arXiv:1502.01852), 1
// before logits.
func (e *Emitter) Linear(stem, x string, in, out int, gain float64) string {
	w := e.Normal(stem+".weight", math.Sqrt(gain/float64(in)), int64(out), int64(in))
	b := e.Constant(stem+".bias", 0, int64(out))
	return e.OpNamed(stem, "Gemm", []string{x, w, b}, onnx.Int("transB", 1))
}

// Conv is a square 2-D convolution without a bias, padded so that a stride of s
// divides the picture by s, rounding up.
func (e *Emitter) Conv(stem, x string, in, out, size, stride, group int) string {
	w := e.Normal(stem+".weight", math.Sqrt(2/float64(in/group*size*size)), int64(out), int64(in/group), int64(size), int64(size))
	pad := int64(size / 2)
	return e.OpNamed(stem, "Conv", []string{x, w}, onnx.Ints("kernel_shape", int64(size), int64(size)),
		onnx.Ints("strides", int64(stride), int64(stride)), onnx.Ints("pads", pad, pad, pad, pad),
		onnx.Ints("dilations", 1, 1), onnx.Int("group", int64(group)))
}

// BatchNorm normalises c channels. It is folded into the layer before it when
// the student is exported.
func (e *Emitter) BatchNorm(stem, x string, c int) string {
	n := int64(c)
	return e.OpNamed(stem, "BatchNormalization", []string{x, e.Constant(stem+".scale", 1, n), e.Constant(stem+".bias", 0, n),
		e.Constant(stem+".mean", 0, n), e.Constant(stem+".var", 1, n)}, onnx.Float("epsilon", 1e-5), onnx.Float("momentum", 0.9))
}

// Dense is Linear over the last axis of a tensor of any rank.
func (e *Emitter) Dense(stem, x string, in, out int, gain float64) string {
	w := e.Normal(stem+".weight", math.Sqrt(gain/float64(in)), int64(in), int64(out))
	x = e.OpNamed(stem+".product", "MatMul", []string{x, w})
	return e.OpNamed(stem, "Add", []string{x, e.Constant(stem+".bias", 0, int64(out))})
}

// Reshaped gives a tensor another shape; 0 keeps a dimension, -1 takes what is left.
func (e *Emitter) Reshaped(x string, dims ...int64) string {
	return e.Op("Reshape", []string{x, e.Int64("shape", []int64{int64(len(dims))}, dims)})
}

// Embed looks the whole numbers of an input up in a table of the teacher's number
// of rows; the width of a row is appended to the input's shape.
func (e *Emitter) Embed(stem string, in Input, width int) string {
	table := e.Normal(stem+".table", 1, int64(in.Vocab), int64(width))
	x := in.Tensor
	if in.Type != onnx.Int64 && in.Type != onnx.Int32 {
		x = e.Op("Cast", []string{x}, onnx.Int("to", int64(onnx.Int64)))
	}
	return e.OpNamed(stem, "Gather", []string{table, x})
}
