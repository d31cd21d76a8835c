// SPDX-License-Identifier: Apache-2.0

package op

import (
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// TestBindErrors binds nodes that are wrong and looks for what the error has to name.
func TestBindErrors(t *testing.T) {
	x := func(shape ...int) Arg { return Arg{Shape: shape} }
	ints := func(v ...int64) Arg { return Arg{Shape: []int{len(v)}, Ints: v} }
	taps := onnx.Ints("kernel_shape", 2, 2)
	for _, c := range []struct {
		name, op string
		c        Case
		want     string
	}{
		{"too few inputs", "Add", Case{In: []Arg{x(5, 3)}}, "has 1 inputs, wants 2"},
		{"too many inputs", "Relu", Case{In: []Arg{x(5, 3), x(5, 3)}}, "has 2 inputs, wants 1"},
		{"omitted input", "Mul", Case{In: []Arg{x(5, 3), {Omit: true}}}, "input 1 is omitted"},
		{"extra output", "MaxPool", Case{In: []Arg{x(5, 3, 4, 4)}, Outputs: 2, Attrs: []onnx.Attr{taps}}, `output 1 ("out1")`},
		{"shapes that do not broadcast", "Sub", Case{In: []Arg{x(5, 3), x(4)}}, "[5 3] and [4] do not broadcast"},
		{"baked batch", "Reshape", Case{In: []Arg{x(5, 12), ints(1, 60)}}, "fixes the first dimension to 1, but 5 samples"},
		{"baked batch that does not fit", "Reshape", Case{In: []Arg{x(5, 12), ints(1, 12)}}, "export the model with a dynamic batch"},
		{"wrong number of elements", "Reshape", Case{In: []Arg{x(5, 12), ints(0, 7)}}, "does not hold the 60 elements"},
		{"two open dimensions", "Reshape", Case{In: []Arg{x(5, 12), ints(-1, -1)}}, "two dimensions open"},
		{"rest does not divide", "Reshape", Case{In: []Arg{x(5, 12), ints(-1, 7)}}, "does not divide"},
		{"computed shape", "Reshape", Case{In: []Arg{x(5, 12), x(2)}}, "input 1 (shape) is computed"},
		{"inner dimensions", "MatMul", Case{In: []Arg{x(5, 3), x(4, 2)}}, "[5 3] and [4 2] differ"},
		{"scalar operand", "MatMul", Case{In: []Arg{x(5, 3), x()}}, "no scalar"},
		{"inner dimensions with transB", "Gemm", Case{In: []Arg{x(5, 3), x(3, 2)}, Attrs: []onnx.Attr{onnx.Int("transB", 1)}}, "inner dimensions 3 and 2"},
		{"no matrix", "Gemm", Case{In: []Arg{x(5, 3, 2), x(3, 2)}}, "wants matrices"},
		{"bias that does not broadcast", "Gemm", Case{In: []Arg{x(5, 3), x(3, 2), x(2, 5, 2)}}, "[2 5 2] of C"},
		{"channels and group", "Conv", Case{In: []Arg{x(5, 4, 6, 6), x(3, 3, 3, 3)}}, "group 1 with 4 channels"},
		{"kernel_shape differs", "Conv", Case{In: []Arg{x(5, 3, 6, 6), x(3, 3, 3, 3)}, Attrs: []onnx.Attr{taps}}, "kernel_shape [2 2]"},
		{"bias length", "Conv", Case{In: []Arg{x(5, 3, 6, 6), x(4, 3, 3, 3), x(3)}}, "bias of shape [3] for 4"},
		{"kernel larger than image", "Conv", Case{In: []Arg{x(5, 3, 2, 2), x(4, 3, 3, 3)}}, "does not fit"},
		{"four spatial dimensions", "Conv", Case{In: []Arg{x(5, 1, 2, 2, 2, 2), x(1, 1, 1, 1, 1, 1)}}, "4 spatial dimensions"},
		{"short pads", "Conv", Case{In: []Arg{x(5, 3, 6, 6), x(4, 3, 3, 3)}, Attrs: []onnx.Attr{onnx.Ints("pads", 1, 1)}}, "pads [1 1]"},
		{"negative pads", "MaxPool", Case{In: []Arg{x(5, 3, 6, 6)}, Attrs: []onnx.Attr{taps, onnx.Ints("pads", -1, 0, 0, 0)}}, "pads not negative"},
		{"stride zero", "MaxPool", Case{In: []Arg{x(5, 3, 6, 6)}, Attrs: []onnx.Attr{taps, onnx.Ints("strides", 0, 1)}}, "strides [0 1]"},
		{"unknown auto_pad", "AveragePool", Case{In: []Arg{x(5, 3, 6, 6)}, Attrs: []onnx.Attr{taps, onnx.String("auto_pad", "SOME")}}, `"SOME"`},
		{"no kernel_shape", "AveragePool", Case{In: []Arg{x(5, 3, 6, 6)}}, "kernel_shape is missing"},
		{"no planes", "GlobalAveragePool", Case{In: []Arg{x(5, 3)}}, "no spatial dimensions"},
		{"empty planes", "GlobalMaxPool", Case{In: []Arg{x(5, 3, 0)}}, "empty planes"},
		{"channels of the statistics", "BatchNormalization", Case{In: []Arg{x(5, 3), x(3), x(3), x(2), x(3)}}, "input 3 has shape [2]"},
		{"spatial statistics", "BatchNormalization", Case{Opset: 7, In: []Arg{x(5, 3), x(3), x(3), x(3), x(3)}, Attrs: []onnx.Attr{onnx.Int("spatial", 0)}}, "spatial = 0"},
		{"computed bound", "Clip", Case{In: []Arg{x(5, 3), x()}}, "input 1 (min) is computed"},
		{"list as bound", "Clip", Case{In: []Arg{x(5, 3), {Shape: []int{2}, Floats: []float64{0, 1}}}}, "holds 2 numbers"},
		{"axis outside", "Softmax", Case{In: []Arg{x(5, 3)}, Attrs: along(2)}, "axis 2 is outside a tensor of rank 2"},
		{"axis outside", "Flatten", Case{In: []Arg{x(5, 3)}, Attrs: along(-3)}, "axis -3 is outside"},
		{"axis twice", "ReduceSum", Case{In: []Arg{x(5, 3), ints(1, -1)}}, "axis 1 is listed twice"},
		{"computed axes", "ReduceMean", Case{In: []Arg{x(5, 3), x(1)}}, "input 1 (axes) is computed"},
		{"sizes differ", "Concat", Case{In: []Arg{x(5, 3, 2), x(5, 3, 3)}, Attrs: along(1)}, "input 1 has shape [5 3 3]"},
		{"ranks differ", "Concat", Case{In: []Arg{x(5, 3), x(5, 3, 1)}, Attrs: along(1)}, "input 1 has shape [5 3 1]"},
		{"no axis", "Concat", Case{In: []Arg{x(5, 3)}}, "axis is missing"},
		{"repeated axis", "Transpose", Case{In: []Arg{x(5, 3)}, Attrs: perm(0, 0)}, "perm [0 0]"},
		{"short perm", "Transpose", Case{In: []Arg{x(5, 3, 2)}, Attrs: perm(0, 1)}, "perm [0 1]"},
		{"not of size one", "Squeeze", Case{In: []Arg{x(5, 3), ints(1)}}, "axis 1 of shape [5 3]"},
		{"no axes", "Unsqueeze", Case{In: []Arg{x(5, 3)}}, "axes are not given"},
		{"ratio one", "Dropout", Case{In: []Arg{x(5, 3), bound(1)}}, "ratio is 1"},
		{"to a string", "Cast", Case{In: []Arg{x(5, 3)}, Attrs: []onnx.Attr{onnx.Int("to", int64(onnx.StringType))}}, "conversion to string"},
		{"unknown approximation", "Gelu", Case{In: []Arg{x(5, 3)}, Attrs: []onnx.Attr{onnx.String("approximate", "cubic")}}, `"cubic"`},
		{"slope that does not broadcast", "PRelu", Case{In: []Arg{x(5, 3), x(5, 2, 3)}}, "slope of shape [5 2 3]"},
		{"alpha zero", "Celu", Case{In: []Arg{x(5, 3)}, Attrs: []onnx.Attr{onnx.Float("alpha", 0)}}, "alpha is 0"},
		{"integer remainder", "Mod", Case{In: []Arg{x(5, 3), x(3)}}, "fmod = 0 is for integers"},
		{"nothing", "Max", Case{}, "has 0 inputs, wants 1"},
		{"shapes that do not broadcast", "Sum", Case{In: []Arg{x(5, 3), x(3), x(4)}}, "[5 3] and [4] do not broadcast"},
		{"shapes that do not broadcast", "Where", Case{In: []Arg{mask(5, 3), x(2), x(3)}}, "[2] and [3] do not broadcast"},
		{"computed axis", "CumSum", Case{In: []Arg{x(5, 3), x()}}, "input 1 (axis) is computed"},
		{"two axes", "CumSum", Case{In: []Arg{x(5, 3), ints(0, 1)}}, "holds 2 numbers"},
		{"empty axis", "ArgMax", Case{In: []Arg{x(5, 0)}, Attrs: along(1)}, "axis 1 of shape [5 0] is empty"},
		{"order", "LpNormalization", Case{In: []Arg{x(5, 3)}, Attrs: []onnx.Attr{onnx.Int("p", 3)}}, "p is 3"},
		{"scale a token", "LayerNormalization", Case{In: []Arg{x(5, 4, 3), x(4, 1)}}, "input 1 of shape [4 1] does not broadcast to the normalised axes [3]"},
		{"number of groups", "GroupNormalization", Case{In: []Arg{x(5, 4, 3), x(4), x(4)}, Attrs: groups(3)}, "4 channels cannot be cut into 3 groups"},
		{"no groups", "GroupNormalization", Case{In: []Arg{x(5, 4, 3), x(4), x(4)}}, "num_groups is 0"},
		{"parameters a group", "GroupNormalization", Case{In: []Arg{x(5, 4, 3), x(2), x(2)}, Attrs: groups(2)}, "input 1 has shape [2], wants [4]"},
		{"parameters", "InstanceNormalization", Case{In: []Arg{x(5, 4, 3), x(4), x(1)}}, "input 2 has shape [1], wants [4]"},
		{"no size", "LRN", Case{In: []Arg{x(5, 4, 3, 3)}}, "size is 0"},
		{"axis outside", "MeanVarianceNormalization", Case{In: []Arg{x(5, 4)}}, "axis 2 is outside"},
		{"integers", "Div", Case{In: []Arg{x(5, 3), ints(1, 2, 3)}}, "input 1 is int64"},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			refuses(t, c.op, &c.c, c.want)
		})
	}
}

// refuses binds a node that is wrong and looks for what the error has to name.
func refuses(t *testing.T, name string, c *Case, want string) {
	t.Helper()
	o, err := Lookup("", name, newest)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Bind[float32](o, nodeOf(o, c, 1))
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line with %q", err, want)
	}
}

// TestLookup names what cannot be trained.
func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name, domain, op string
		opset            int
		want             string
	}{
		{"unknown", "", "Unknown", 17, "operator Unknown (opset 17)"},
		{"unknown domain", "com.example", "Relu", 17, "operator Relu of domain com.example"},
		{"too old", "", "Add", 6, "operator Add is read from opset 7 on, the model imports 6"},
		{"default domain by name", "ai.onnx", "Relu", 17, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Lookup(c.domain, c.op, c.opset)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
