// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// The binding copies an output that the runtime allocates only if it has at
// least one dimension and an element type that Go has. Other outputs are
// fetched through further nodes: a Cast to float32, which is exact for
// every 16-bit type, and for scalars and unknown ranks the flattened elements
// beside the Shape.

// source says under which names an output's parts are fetched.
type source struct {
	data  int // index into the fetched names
	shape int // index of the separate shape, -1 if data has it
}

// exposed is a model whose outputs the binding can fetch.
type exposed struct {
	model   []byte
	inputs  []string
	names   []string // what to fetch
	sources []source // one per output
	altered bool     // nodes were added to the model
}

// prefix begins the names of what expose adds to a graph.
const prefix = "kdcompress/fetch/"

// expose adds to model what fetching outputs takes. Protobuf merges messages
// that follow each other, so that nothing is decoded.
func expose(model []byte, sig signature, outputs []Info) (exposed, error) {
	x := exposed{model: model}
	g := &pb.GraphProto{}
	for _, in := range sig.inputs {
		x.inputs = append(x.inputs, in.Name)
	}
	if len(x.inputs) == 0 {
		// The binding cannot run a session without inputs.
		g.Input = append(g.Input, tensorInfo(prefix+"none", onnx.Float32, 1))
		x.inputs = append(x.inputs, prefix+"none")
	}
	for i, o := range outputs {
		name := o.Name
		add := func(op, suffix string, in []string, attrs ...*pb.AttributeProto) string {
			out := fmt.Sprintf("%s%d/%s", prefix, i, suffix)
			g.Node = append(g.Node, &pb.NodeProto{Name: out, OpType: op, Input: in, Output: []string{out}, Attribute: attrs})
			return out
		}
		fetch := func(name string) int {
			x.names = append(x.names, name)
			return len(x.names) - 1
		}
		declare := func(name string, typ onnx.DataType) int {
			g.Output = append(g.Output, tensorInfo(name, typ))
			return fetch(name)
		}
		typ := o.Type
		_, plain := natives[typ]
		if !plain && typ.IsFloat() {
			name = add("Cast", "float", []string{name}, &pb.AttributeProto{
				Name: "to", Type: pb.AttributeProto_INT, I: int64(onnx.Float32)})
			typ, plain = onnx.Float32, true
		}
		if !plain {
			return exposed{}, fmt.Errorf("output %.80q has elements of type %s, which are not supported", o.Name, o.Type)
		}
		if len(o.Dims) > 0 {
			if name == o.Name {
				x.sources = append(x.sources, source{fetch(name), -1})
			} else {
				x.sources = append(x.sources, source{declare(name, typ), -1})
			}
			continue
		}
		flat := add("Constant", "all", nil, &pb.AttributeProto{
			Name: "value", Type: pb.AttributeProto_TENSOR,
			T: &pb.TensorProto{DataType: int32(onnx.Int64), Dims: []int64{1}, Int64Data: []int64{-1}}})
		data := declare(add("Reshape", "flat", []string{name, flat}), typ)
		shape := declare(add("Shape", "shape", []string{name}), onnx.Int64)
		x.sources = append(x.sources, source{data, shape})
	}
	if len(g.Node) == 0 && len(g.Input) == 0 {
		return x, nil
	}
	extra := &pb.ModelProto{Graph: g}
	if !sig.standard {
		extra.OpsetImport = []*pb.OperatorSetIdProto{{Version: 13}}
	}
	b, err := proto.Marshal(extra)
	if err != nil {
		return exposed{}, fmt.Errorf("preparing the outputs: %w", err)
	}
	x.model = slices.Concat(model, b)
	x.altered = true
	return x, nil
}

// tensorInfo declares a tensor; without dims its shape is left open.
func tensorInfo(name string, typ onnx.DataType, dims ...int64) *pb.ValueInfoProto {
	t := &pb.TypeProto_Tensor{ElemType: int32(typ)}
	if len(dims) > 0 {
		t.Shape = &pb.TensorShapeProto{}
	}
	for _, d := range dims {
		t.Shape.Dim = append(t.Shape.Dim, &pb.TensorShapeProto_Dimension{
			Value: &pb.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &pb.ValueInfoProto{Name: name, Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: t}}}
}
