// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/kdcompress/kdcompress/onnx/internal/pb"

func decodeValues(list []*pb.ValueInfoProto) []*Value {
	var out []*Value
	for _, p := range list {
		out = append(out, decodeValue(p))
	}
	return out
}

// decodeValue reads a name and its type. The message stays behind for what the
// Value does not say: denotations, metadata, types other than tensors.
func decodeValue(p *pb.ValueInfoProto) *Value {
	v := &Value{Name: p.Name, Doc: p.DocString, rest: p}
	switch t := p.GetType().GetValue().(type) {
	case *pb.TypeProto_TensorType:
		v.Kind = kindTensor
		v.setTensor(t.TensorType.GetElemType(), t.TensorType.GetShape())
	case *pb.TypeProto_SparseTensorType:
		v.Kind = kindSparse
		v.setTensor(t.SparseTensorType.GetElemType(), t.SparseTensorType.GetShape())
	case *pb.TypeProto_SequenceType:
		v.Kind = "sequence"
	case *pb.TypeProto_MapType:
		v.Kind = "map"
	case *pb.TypeProto_OptionalType:
		v.Kind = "optional"
	case *pb.TypeProto_OpaqueType:
		v.Kind = "opaque"
	}
	return v
}

// The kinds of value that have an element type and a shape.
const (
	kindTensor = "tensor"
	kindSparse = "sparse_tensor"
)

func (v *Value) setTensor(elem int32, shape *pb.TensorShapeProto) {
	v.Type = DataType(elem)
	if shape == nil {
		return
	}
	v.Ranked = true
	for _, d := range shape.Dim {
		dim := Dim{Size: -1}
		switch x := d.Value.(type) {
		case *pb.TensorShapeProto_Dimension_DimValue:
			dim.Size = max(x.DimValue, -1)
		case *pb.TensorShapeProto_Dimension_DimParam:
			dim.Param = x.DimParam
		}
		v.Dims = append(v.Dims, dim)
	}
}
