// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// TestRunComputes compares with the definition, evaluated in float64.
func TestRunComputes(t *testing.T) {
	library(t)
	for _, opts := range []Options{{}, {Threads: 2}, {NoOptimise: true}} {
		s := open(t, encode(t, softmax), opts)
		if in := s.Inputs(); len(in) != 1 || in[0].Name != "x" || in[0].Kind != Tensor || in[0].Type != onnx.Float32 || !slices.Equal(in[0].Dims, []int64{-1, 2}) {
			t.Errorf("inputs %+v", in)
		}
		x := []float32{1, 2, -1, 0.5, 0, 0}
		out := run(t, s, floats(t, []int64{3, 2}, x...))
		if len(out) != 1 || out[0].Type != onnx.Float32 || !slices.Equal(out[0].Dims, []int64{3, 2}) {
			t.Fatalf("outputs %+v", out)
		}
		for i := range 3 {
			a, b := float64(x[2*i]), float64(x[2*i+1])
			p := 1 / (1 + math.Exp((-a+3*b)-(a+2*b+0.5)))
			if d := math.Abs(float64(out[0].F[2*i]) - p); d > 1e-6 {
				t.Errorf("row %d: %v, want %v", i, out[0].F[2*i], p)
			}
		}
	}
}

// identity is a model that returns its input; output says what it declares of it.
func identity(t *testing.T, in, output *onnx.Value) []byte {
	return encode(t, func(b *onnx.Builder) {
		b.G.Inputs = append(b.G.Inputs, in)
		b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "id", OpType: "Identity", Inputs: []string{in.Name}, Outputs: []string{output.Name}})
		b.G.Outputs = append(b.G.Outputs, output)
	})
}

// TestRunTypesAndShapes passes every element type through in every kind of
// shape, by Run and by a binding.
func TestRunTypesAndShapes(t *testing.T) {
	library(t)
	n, two := onnx.Symbolic("n"), onnx.Fixed(2)
	shapes := []struct {
		name     string
		in, out  *onnx.Value
		dims     []int64
		sixteens bool // types the binding does not know can be fed
	}{
		{"matrix", onnx.NewValue("x", 0, n, two), onnx.NewValue("y", 0, n, two), []int64{3, 2}, true},
		{"unknown rank", onnx.NewValue("x", 0, n, two), &onnx.Value{Name: "y", Kind: "tensor"}, []int64{3, 2}, true},
		{"scalar", onnx.NewValue("x", 0), onnx.NewValue("y", 0), nil, false},
		{"empty", onnx.NewValue("x", 0, n, two), onnx.NewValue("y", 0, n, two), []int64{0, 2}, false},
	}
	types := []onnx.DataType{onnx.Float32, onnx.Float64, onnx.Float16, onnx.BFloat16, onnx.Int8, onnx.Int16,
		onnx.Int32, onnx.Int64, onnx.Uint8, onnx.Uint16, onnx.Uint32, onnx.Uint64, onnx.Bool}
	for _, sh := range shapes {
		for _, typ := range types {
			t.Run(sh.name+"/"+typ.String(), func(t *testing.T) {
				in, out := *sh.in, *sh.out
				in.Type, out.Type = typ, typ
				s := open(t, identity(t, &in, &out), Options{})
				count, err := count(sh.dims)
				if err != nil {
					t.Fatal(err)
				}
				v := make([]float32, count)
				for i := range v {
					v[i] = float32((i + 1) % 2)
				}
				x := numbersOf(t, typ, sh.dims, v...)
				got, err := s.Run(context.Background(), []Value{x})
				if _, native := natives[typ]; !native && !sh.sixteens {
					if err == nil || !strings.Contains(err.Error(), "cannot be passed") {
						t.Errorf("error %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				same(t, got[0], x)
				b, err := s.Bind([]Value{x})
				if err != nil {
					t.Fatal(err)
				}
				bound, err := b.Outputs()
				if err != nil {
					t.Fatal(err)
				}
				clear(bound[0].F)
				clear(bound[0].Raw)
				if err := b.Run(); err != nil {
					t.Fatal(err)
				}
				if bound, err = b.Outputs(); err != nil {
					t.Fatal(err)
				}
				same(t, bound[0], x)
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func same(t *testing.T, got, want Value) {
	t.Helper()
	if got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) || !slices.Equal(got.F, want.F) || !slices.Equal(got.Raw, want.Raw) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestUnalignedInput feeds elements that begin at an odd address.
func TestUnalignedInput(t *testing.T) {
	library(t)
	s := open(t, identity(t, onnx.NewValue("x", onnx.Int64, onnx.Fixed(3)), onnx.NewValue("y", onnx.Int64, onnx.Fixed(3))), Options{})
	x := numbersOf(t, onnx.Int64, []int64{3}, 1, -2, 1<<20)
	odd := append([]byte{0}, x.Raw...)[1:]
	same(t, run(t, s, Value{Dims: x.Dims, Type: x.Type, Raw: odd})[0], x)
}

// TestNoInputs runs a model that computes from constants alone.
func TestNoInputs(t *testing.T) {
	library(t)
	s := open(t, encode(t, func(b *onnx.Builder) {
		c := b.Float32("c", []int64{2}, []float32{1, -4})
		b.Output(b.Op("Abs", []string{c}), onnx.Float32, onnx.Fixed(2))
	}), Options{})
	same(t, run(t, s)[0], floats(t, []int64{2}, 1, 4))
	b, err := s.Bind(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(); err != nil {
		t.Error(err)
	}
}

// TestWeightsAsInputs runs a model of the old form, which lists its weights
// among its inputs.
func TestWeightsAsInputs(t *testing.T) {
	library(t)
	s := open(t, encode(t, func(b *onnx.Builder) {
		softmax(b)
		b.G.Inputs = append(b.G.Inputs, onnx.NewValue("w", onnx.Float32, onnx.Fixed(2), onnx.Fixed(2)))
	}), Options{})
	if in := s.Inputs(); len(in) != 1 || in[0].Name != "x" {
		t.Fatalf("inputs %+v", in)
	}
	run(t, s, floats(t, []int64{1, 2}, 1, 1))
}

// withSequence has a tensor output and a sequence output.
func withSequence(t *testing.T) []byte {
	t.Helper()
	model := encode(t, func(b *onnx.Builder) {
		softmax(b)
		b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "s", OpType: "SequenceConstruct", Inputs: []string{"x"}, Outputs: []string{"s"}})
	})
	element := tensorInfo("", onnx.Float32).Type
	more, err := proto.Marshal(&pb.ModelProto{Graph: &pb.GraphProto{Output: []*pb.ValueInfoProto{{
		Name: "s", Type: &pb.TypeProto{Value: &pb.TypeProto_SequenceType{SequenceType: &pb.TypeProto_Sequence{ElemType: element}}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	return append(model, more...)
}

func TestOutputsChosen(t *testing.T) {
	library(t)
	model := withSequence(t)
	x := floats(t, []int64{1, 2}, 1, 1)
	all := open(t, model, Options{})
	if got := all.Outputs(); len(got) != 2 || got[1].Kind != "sequence" {
		t.Errorf("outputs %+v", got)
	}
	if _, err := all.Run(context.Background(), []Value{x}); err == nil || !strings.Contains(err.Error(), `output "s" is a sequence`) {
		t.Errorf("running with a sequence: %v", err)
	}
	if _, err := all.Bind([]Value{x}); err == nil || !strings.Contains(err.Error(), `output "s" is a sequence`) {
		t.Errorf("binding with a sequence: %v", err)
	}
	one := open(t, model, Options{Outputs: []string{"p"}})
	if got := run(t, one, x); len(got) != 1 {
		t.Errorf("got %d outputs", len(got))
	}
	for _, c := range []struct{ name, output, want string }{
		{"unknown", "q", `no output "q"`},
		{"sequence", "s", `output "s" is a sequence`},
	} {
		if _, err := Open(model, Options{Outputs: []string{c.output}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// TestUntypedOutput runs a model that leaves an output's type to inference.
func TestUntypedOutput(t *testing.T) {
	library(t)
	s := open(t, encode(t, func(b *onnx.Builder) {
		softmax(b)
		b.G.Outputs[0] = &onnx.Value{Name: "p"}
	}), Options{})
	if o := s.Outputs()[0]; o.Type != onnx.Float32 || len(o.Dims) != 2 {
		t.Errorf("output %+v", o)
	}
	if got := run(t, s, floats(t, []int64{4, 2}, make([]float32, 8)...)); !slices.Equal(got[0].Dims, []int64{4, 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	library(t)
	good := encode(t, softmax)
	external, err := proto.Marshal(&pb.ModelProto{Graph: &pb.GraphProto{Initializer: []*pb.TensorProto{{
		Name: "far", DataType: 1, Dims: []int64{1}, DataLocation: pb.TensorProto_EXTERNAL,
		ExternalData: []*pb.StringStringEntryProto{{Key: "location", Value: "/etc/passwd"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	nested := encode(t, func(b *onnx.Builder) {
		softmax(b)
		b.G.Nodes = append(b.G.Nodes, &onnx.Node{Name: "c", OpType: "Constant", Outputs: []string{"c"}})
	})
	deep, err := proto.Marshal(&pb.ModelProto{Graph: &pb.GraphProto{Node: []*pb.NodeProto{{OpType: "If", Attribute: []*pb.AttributeProto{{
		Name: "then_branch", Type: pb.AttributeProto_GRAPH, G: &pb.GraphProto{Node: []*pb.NodeProto{{OpType: "Constant", Attribute: []*pb.AttributeProto{{
			Name: "value", Type: pb.AttributeProto_TENSOR, T: &pb.TensorProto{Name: "hidden", DataLocation: pb.TensorProto_EXTERNAL}}}}}}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name  string
		model []byte
		want  string
	}{
		{"empty", nil, "not an ONNX model"},
		{"text", []byte("this is a text file, not a model\n"), "not an ONNX model"},
		{"truncated", good[:len(good)-9], "damaged"},
		{"weights elsewhere", append(slices.Clone(good), external...), `tensor "far"`},
		{"weights elsewhere in a branch", append(slices.Clone(nested), deep...), `tensor "hidden"`},
		{"unknown operator", encode(t, func(b *onnx.Builder) {
			x := b.Input("x", onnx.Float32, onnx.Fixed(1))
			b.Output(b.Op("Frobnicate", []string{x}), onnx.Float32, onnx.Fixed(1))
		}), "Frobnicate"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(c.model, Options{})
			if err == nil {
				t.Fatal(s.Close())
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	library(t)
	s := open(t, encode(t, softmax), Options{})
	cases := []struct {
		name string
		in   []Value
		want string
	}{
		{"no input", nil, "takes 1 inputs, not 0"},
		{"rank", []Value{floats(t, []int64{2}, 1, 2)}, `input "x": got shape [2], the model declares [-1 2]`},
		{"width", []Value{floats(t, []int64{1, 3}, 1, 2, 3)}, "got shape [1 3]"},
		{"type", []Value{numbersOf(t, onnx.Int64, []int64{1, 2}, 1, 2)}, "elements of type int64, the model declares float"},
		{"length", []Value{{Dims: []int64{2, 2}, Type: onnx.Float32, F: make([]float32, 3)}}, "do not fill"},
		{"raw length", []Value{{Dims: []int64{2, 2}, Type: onnx.Int64, Raw: make([]byte, 31)}}, "do not fill"},
		{"string", []Value{{Dims: []int64{1, 2}, Type: onnx.StringType}}, "string are not supported"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Run(context.Background(), c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestRunError has an operator fail: the error names it, on one line.
func TestRunError(t *testing.T) {
	library(t)
	s := open(t, encode(t, func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, onnx.Symbolic("n"))
		w := b.Float32("w", []int64{3}, []float32{1, 2, 3})
		b.Output(b.OpNamed("sum", "Add", []string{x, w}), onnx.Float32, onnx.Fixed(3))
	}), Options{})
	_, err := s.Run(context.Background(), []Value{floats(t, []int64{2}, 1, 2)})
	if err == nil || !strings.Contains(err.Error(), "Add") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

func TestClose(t *testing.T) {
	library(t)
	s := open(t, encode(t, softmax), Options{})
	x := []Value{floats(t, []int64{1, 2}, 1, 2)}
	b, err := s.Bind(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Run(context.Background(), x); !errors.Is(err, errClosed) {
		t.Errorf("running a closed session: %v", err)
	}
	if err := b.Run(); !errors.Is(err, errClosed) {
		t.Errorf("running a binding of a closed session: %v", err)
	}
	if err := errors.Join(b.Close(), s.Close()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestConcurrentRuns(t *testing.T) {
	library(t)
	s := open(t, encode(t, softmax), Options{})
	var wg sync.WaitGroup
	for g := range 8 {
		x := floats(t, []int64{2, 2}, float32(g), 1, -1, float32(g)/8)
		want := run(t, s, x)[0]
		wg.Go(func() {
			for range 50 {
				got, err := s.Run(context.Background(), []Value{x})
				if err != nil || !slices.Equal(got[0].F, want.F) {
					t.Errorf("goroutine %d: got %v, %v, want %v", g, got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// slow is a chain of products that takes many seconds.
func slow(b *onnx.Builder) {
	const n = 384
	x := b.Input("x", onnx.Float32, onnx.Fixed(n), onnx.Fixed(n))
	y := x
	for range 4000 {
		y = b.Op("MatMul", []string{y, x})
	}
	b.Output(y, onnx.Float32, onnx.Fixed(n), onnx.Fixed(n))
}

func TestRunStopsWithContext(t *testing.T) {
	library(t)
	s := open(t, encode(t, slow), Options{})
	x := []Value{floats(t, []int64{384, 384}, make([]float32, 384*384)...)}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.Run(ctx, x)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("stopped after %v", d)
	}
	start = time.Now()
	if _, err := s.Run(ctx, x); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("an ended context: %v after %v", err, time.Since(start))
	}
}

// TestBoundAllocatesNothing also holds a binding to what Run computes.
func TestBoundAllocatesNothing(t *testing.T) {
	library(t)
	s := open(t, encode(t, softmax), Options{})
	x := floats(t, []int64{2, 2}, 1, 2, 3, 4)
	want := run(t, s, x)[0]
	b, err := s.Bind([]Value{x})
	if err != nil {
		t.Fatal(err)
	}
	clear(x.F) // the binding has its own
	if n := testing.AllocsPerRun(20, func() { err = b.Run() }); n != 0 || err != nil {
		t.Errorf("%v allocations, %v", n, err)
	}
	got, err := b.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got[0], want)
}
