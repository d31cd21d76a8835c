// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

func encodeValues(list []*Value) ([]*pb.ValueInfoProto, error) {
	var out []*pb.ValueInfoProto
	for _, v := range list {
		p, err := encodeValue(v)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func encodeValue(v *Value) (*pb.ValueInfoProto, error) {
	p := &pb.ValueInfoProto{}
	if v.rest != nil {
		p = proto.Clone(v.rest).(*pb.ValueInfoProto)
	}
	p.Name, p.DocString = v.Name, v.Doc
	kind := v.Kind
	if kind == "" && v.Type != Undefined {
		kind = kindTensor
	}
	switch kind {
	case kindTensor:
		t := p.GetType().GetTensorType()
		if t == nil {
			t = &pb.TypeProto_Tensor{}
			p.Type = &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: t}}
		}
		t.ElemType = int32(v.Type)
		t.Shape = v.encodeShape(t.Shape)
	case kindSparse:
		t := p.GetType().GetSparseTensorType()
		if t == nil {
			t = &pb.TypeProto_SparseTensor{}
			p.Type = &pb.TypeProto{Value: &pb.TypeProto_SparseTensorType{SparseTensorType: t}}
		}
		t.ElemType = int32(v.Type)
		t.Shape = v.encodeShape(t.Shape)
	default:
		was := decodeValue(p).Kind
		if kind == "" && was != "" {
			p.Type = nil
		} else if was != kind {
			return nil, fmt.Errorf("value %q: a type of kind %q cannot be made from one of kind %q", quoteName(v.Name), kind, was)
		}
	}
	return p, nil
}

// encodeShape writes the dims over an older shape, whose denotations stay while
// the rank does.
func (v *Value) encodeShape(old *pb.TensorShapeProto) *pb.TensorShapeProto {
	if !v.Ranked && len(v.Dims) == 0 {
		return nil
	}
	if old == nil || len(old.Dim) != len(v.Dims) {
		old = &pb.TensorShapeProto{}
		for range v.Dims {
			old.Dim = append(old.Dim, &pb.TensorShapeProto_Dimension{})
		}
	}
	for i, d := range v.Dims {
		switch {
		case d.Param != "":
			old.Dim[i].Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: d.Param}
		case d.Size >= 0:
			old.Dim[i].Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: d.Size}
		default:
			old.Dim[i].Value = nil
		}
	}
	return old
}
