// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// linear is the model most cases start from: softmax(x W + b).
func linear() *Model {
	g := &Graph{Name: "linear"}
	b := NewBuilder(g, "")
	x := b.Input("x", Float32, Symbolic("N"), Fixed(2))
	w := b.Float32("w", []int64{2, 3}, []float32{1, -2, 3, -4, 5, -6})
	c := b.Float32("b", []int64{3}, []float32{.5, 0, -.5})
	y := b.OpNamed("logits", "Gemm", []string{x, w, c}, Float("alpha", 1))
	y = b.OpNamed("y", "Softmax", []string{y}, Int("axis", -1))
	b.Output(y, Float32, Symbolic("N"), Fixed(3))
	return &Model{IRVersion: 8, Opsets: []Opset{{"", 17}}, ProducerName: "kdcompress", Metadata: []Property{{"k", "v"}, {"a", "b"}}, Graph: g}
}

// branch holds an If whose branches read x from the graph around them, depth
// levels deep.
func branch(depth int) *Model {
	m := linear()
	inner := &Graph{Name: "leaf", Outputs: []*Value{NewValue("leaf", Float32)}}
	inner.Nodes = []*Node{{Name: "leaf", OpType: "Relu", Inputs: []string{"x"}, Outputs: []string{"leaf"}}}
	for i := range depth - 1 {
		out := "if" + string(rune('a'+i))
		n := &Node{Name: out, OpType: "If", Inputs: []string{"c"}, Outputs: []string{out}, Attrs: []Attr{
			{Name: "then_branch", Kind: AttrGraph, G: inner}, {Name: "else_branch", Kind: AttrGraph, G: inner.Clone()},
		}}
		if i > 3 {
			n.Attrs = n.Attrs[:1]
		}
		inner = &Graph{Name: out, Nodes: []*Node{n}, Outputs: []*Value{NewValue(out, Float32)}}
	}
	m.Graph.Nodes, m.Graph.Outputs = inner.Nodes, inner.Outputs
	m.Graph.Inputs = append(m.Graph.Inputs, NewValue("c", Bool))
	return m
}

// message is a linear model as protobuf, for what Encode would not write.
func message(t testing.TB, change func(*pb.ModelProto)) []byte {
	t.Helper()
	p := &pb.ModelProto{}
	if err := proto.Unmarshal(encoded(t, linear()), p); err != nil {
		t.Fatal(err)
	}
	change(p)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encoded(t testing.TB, m *Model) []byte {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares a file of testdata with what the tests make of it today.
func golden(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join("testdata", name+".onnx")
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("%s differs from what the test makes; run go test -update and look at the change", path)
	}
	return path
}

// TestInvalid loads each committed invalid-*.onnx and compares the error.
func TestInvalid(t *testing.T) {
	tensor := func(change func(*pb.TensorProto)) []byte {
		return message(t, func(p *pb.ModelProto) { change(p.Graph.Initializer[0]) })
	}
	graph := func(change func(*Graph)) []byte {
		m := linear()
		change(m.Graph)
		return encoded(t, m)
	}
	whole := encoded(t, linear())
	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "file is empty"},
		{"text", []byte("import torch\nmodel = None\n"), `not an ONNX model: starts with text "import torch"`},
		{"zip", append([]byte("PK\x03\x04"), whole...), "not an ONNX model: a zip archive"},
		{"truncated", whole[:len(whole)-40], "truncated or damaged ONNX model: ModelProto.graph at byte"},
		{"tag", append(bytes.Clone(whole), 0xff), "truncated or damaged ONNX model: a field tag"},
		{"utf8", bytes.Replace(whole, []byte("linear"), []byte("\xff\xfeline"), 1), "GraphProto.name at byte"},
		{"no-graph", message(t, func(p *pb.ModelProto) { p.Graph = nil }), "not an ONNX model: it holds no graph"},
		{"no-opset", message(t, func(p *pb.ModelProto) { p.OpsetImport = nil }), "imports no operator set"},
		{"short-tensor", tensor(func(p *pb.TensorProto) { p.RawData = p.RawData[4:] }), `initializer "w": holds 20 bytes where its type float and dims [2 3] say 24`},
		{"long-tensor", tensor(func(p *pb.TensorProto) { p.RawData = append(p.RawData, 0) }), "holds 25 bytes"},
		{"negative-dims", tensor(func(p *pb.TensorProto) { p.Dims = []int64{-2, -3} }), "dims [-2 -3] contain a negative size"},
		{"overflow-dims", tensor(func(p *pb.TensorProto) { p.Dims = []int64{1 << 33, 1 << 33} }), "more than a file can hold"},
		{"wrapping-dims", tensor(func(p *pb.TensorProto) { p.Dims, p.RawData = []int64{1 << 32, 1 << 32, 1 << 32}, nil }), "more than a file can hold"},
		{"element-type", tensor(func(p *pb.TensorProto) { p.DataType = 99 }), "data type 99 is unknown"},
		{"two-fields", tensor(func(p *pb.TensorProto) { p.FloatData = make([]float32, 6) }), "in several fields at once"},
		{"wrong-field", tensor(func(p *pb.TensorProto) { p.RawData, p.Int64Data = nil, make([]int64, 6) }), "in a field that does not hold float"},
		{"external", tensor(external), `tensor "w": its data outside the file: "../../etc/passwd": path escapes from parent`},
		{"external-rest", message(t, func(p *pb.ModelProto) {
			hidden := &pb.TensorProto{Name: "hidden"}
			external(hidden)
			p.Functions = []*pb.FunctionProto{{Name: "f", Node: []*pb.NodeProto{{Attribute: []*pb.AttributeProto{{T: hidden}}}}}}
		}), `tensor "hidden": its data outside the file: `},
		{"deep", encoded(t, branch(maxGraphDepth+1)), "graphs are nested deeper than 16"},
		{"order", graph(func(g *Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }), `node y (Softmax): input "logits" is computed only by a later node`},
		{"unknown-input", graph(func(g *Graph) { g.Nodes[0].Inputs[1] = "gone" }), `node logits (Gemm): input "gone" is defined nowhere`},
		{"subgraph-input", encoded(t, func() *Model {
			m := branch(3)
			m.Graph.Nodes[0].Attrs[0].G.Nodes[0].Inputs[0] = "gone\nfor good"
			return m
		}()), `node ifa (If): input "gone?for good" is defined nowhere`},
		{"duplicate-output", graph(func(g *Graph) { g.Nodes[1].Outputs[0] = "logits" }), `output "logits" is a name that is taken already`},
		{"duplicate-initializer", graph(func(g *Graph) { g.Initializers = append(g.Initializers, g.Initializers[0]) }), `initializer "w" is listed twice`},
		{"duplicate-input", graph(func(g *Graph) { g.Inputs = append(g.Inputs, g.Inputs[0]) }), `graph input "x" is listed twice`},
		{"missing-output", graph(func(g *Graph) { g.Outputs[0].Name = "z" }), `graph output "z" is computed by nothing`},
		{"no-outputs", graph(func(g *Graph) { g.Outputs = nil }), "graph has no outputs"},
		{"domain", graph(func(g *Graph) { g.Nodes[0].Domain = "acme" }), `node logits (Gemm): its operator set "acme" is not imported`},
		{"attribute-twice", graph(func(g *Graph) { g.Nodes[0].Attrs = append(g.Nodes[0].Attrs, Float("alpha", 2)) }), `attribute "alpha" is given twice`},
		{"no-operator", graph(func(g *Graph) { g.Nodes[0].OpType = "" }), "node logits: has no operator"},
		{"attribute-value", message(t, func(p *pb.ModelProto) {
			p.Graph.Node[0].Attribute[0].Type = pb.AttributeProto_TENSOR
		}), `node logits (Gemm): attribute "alpha": holds no tensor`},
	}
	committed, err := filepath.Glob("testdata/invalid-*.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if len(committed) != len(cases) && !*update {
		t.Errorf("testdata has %d invalid files, the table %d", len(committed), len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := golden(t, "invalid-"+c.name, c.data)
			_, err := Load(path)
			if err == nil {
				t.Fatal("loads")
			}
			if e, ok := err.(*Error); !ok || e.Path != path {
				t.Errorf("%T without the path: %v", err, err)
			}
			if s := err.Error(); !strings.Contains(s, c.want) || strings.Contains(s, "\n") || strings.Count(s, path) != 1 {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func external(p *pb.TensorProto) {
	p.RawData, p.DataLocation = nil, pb.TensorProto_EXTERNAL
	p.ExternalData = []*pb.StringStringEntryProto{{Key: "location", Value: "../../etc/passwd"}}
}
