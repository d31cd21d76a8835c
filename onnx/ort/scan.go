// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// Field numbers of onnx.proto that a scan follows.
const (
	modelGraph, modelOpset, modelFunction                                 = 7, 8, 25
	graphNode, graphInit, graphInput, graphOutput, graphSparse            = 1, 5, 11, 12, 15
	nodeAttr, functionNode, functionAttr                                  = 5, 7, 11
	attrTensor, attrGraph, attrTensors, attrGraphs, attrSparse, attrSpars = 5, 6, 10, 11, 22, 23
	sparseValues, sparseIndices                                           = 1, 2
	tensorName, tensorExternal, tensorLocation                            = 8, 13, 14
)

// maxNesting bounds graphs within attributes within graphs.
const maxNesting = 64

// signature is what a session must know of a model before it is opened.
type signature struct {
	inputs   []Info // those a caller feeds
	outputs  []Info
	standard bool // the model imports the operators of ai.onnx
}

// scan reads a model's signature from its bytes without decoding the weights.
// Weights kept in other files are an error: the runtime would open whatever
// paths the model names.
func scan(model []byte) (signature, error) {
	s := scanner{weights: map[string]bool{}}
	err := fields(model, func(num protowire.Number, v []byte, _ uint64) error {
		switch num {
		case modelGraph:
			return s.graph(v, 0)
		case modelFunction:
			return fields(v, func(num protowire.Number, v []byte, _ uint64) error {
				switch num {
				case functionNode:
					return s.node(v, 1)
				case functionAttr:
					return s.attr(v, 1)
				}
				return nil
			})
		case modelOpset:
			var o pb.OperatorSetIdProto
			if err := proto.Unmarshal(v, &o); err != nil {
				return errDamaged
			}
			s.standard = s.standard || o.Domain == "" || o.Domain == "ai.onnx"
		}
		return nil
	})
	if err != nil {
		return signature{}, err
	}
	fed := s.inputs[:0]
	for _, in := range s.inputs {
		if !s.weights[in.Name] {
			fed = append(fed, in)
		}
	}
	s.inputs = fed
	if len(s.outputs) == 0 {
		return signature{}, errors.New("not an ONNX model: it declares no output")
	}
	return s.signature, nil
}

var errDamaged = errors.New("not an ONNX model, or a truncated or damaged one")

type scanner struct {
	signature
	weights map[string]bool // initializers of the outermost graph
}

func (s *scanner) graph(b []byte, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("graphs are nested deeper than %d", maxNesting)
	}
	return fields(b, func(num protowire.Number, v []byte, _ uint64) error {
		switch num {
		case graphNode:
			return s.node(v, depth)
		case graphInit:
			name, err := s.tensor(v)
			if depth == 0 {
				s.weights[name] = true
			}
			return err
		case graphSparse:
			return s.sparse(v)
		case graphInput, graphOutput:
			if depth > 0 {
				return nil
			}
			info, err := declared(v)
			if num == graphInput {
				s.inputs = append(s.inputs, info)
			} else {
				s.outputs = append(s.outputs, info)
			}
			return err
		}
		return nil
	})
}

func (s *scanner) node(b []byte, depth int) error {
	return fields(b, func(num protowire.Number, v []byte, _ uint64) error {
		if num == nodeAttr {
			return s.attr(v, depth)
		}
		return nil
	})
}

func (s *scanner) attr(b []byte, depth int) error {
	return fields(b, func(num protowire.Number, v []byte, _ uint64) error {
		switch num {
		case attrTensor, attrTensors:
			_, err := s.tensor(v)
			return err
		case attrGraph, attrGraphs:
			return s.graph(v, depth+1)
		case attrSparse, attrSpars:
			return s.sparse(v)
		}
		return nil
	})
}

func (s *scanner) sparse(b []byte) error {
	return fields(b, func(num protowire.Number, v []byte, _ uint64) error {
		if num == sparseValues || num == sparseIndices {
			name, err := s.tensor(v)
			s.weights[name] = true
			return err
		}
		return nil
	})
}

// tensor returns the name of a tensor whose elements are in the model.
func (s *scanner) tensor(b []byte) (name string, err error) {
	external := false
	err = fields(b, func(num protowire.Number, v []byte, n uint64) error {
		switch num {
		case tensorName:
			name = string(v)
		case tensorExternal:
			external = true
		case tensorLocation:
			external = external || n != 0
		}
		return nil
	})
	if err == nil && external {
		err = fmt.Errorf("tensor %.80q keeps its elements in another file: load them into the model first", name)
	}
	return name, err
}

// fields calls visit for every field of a message: v is the content of a
// length-delimited field, n the value of a varint.
func fields(b []byte, visit func(num protowire.Number, v []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errDamaged
		}
		b = b[size:]
		var v []byte
		var n uint64
		switch typ {
		case protowire.BytesType:
			v, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		default:
			size = protowire.ConsumeFieldValue(num, typ, b)
		}
		if size < 0 {
			return errDamaged
		}
		if err := visit(num, v, n); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// declared reads an input or output declaration.
func declared(b []byte) (Info, error) {
	var v pb.ValueInfoProto
	if err := proto.Unmarshal(b, &v); err != nil {
		return Info{}, errDamaged
	}
	info := Info{Name: v.GetName()}
	switch v.GetType().GetValue().(type) {
	case *pb.TypeProto_TensorType:
		info.Kind = Tensor
	case *pb.TypeProto_SequenceType:
		info.Kind = "sequence"
	case *pb.TypeProto_MapType:
		info.Kind = "map"
	case *pb.TypeProto_OptionalType:
		info.Kind = "optional"
	case *pb.TypeProto_SparseTensorType:
		info.Kind = "sparse_tensor"
	case *pb.TypeProto_OpaqueType:
		info.Kind = "opaque"
	}
	t := v.GetType().GetTensorType()
	info.Type = onnx.DataType(t.GetElemType())
	if shape := t.GetShape(); shape != nil {
		info.Ranked = true
		info.Dims = make([]int64, len(shape.Dim))
		for i, d := range shape.Dim {
			info.Dims[i] = -1
			if fixed, ok := d.GetValue().(*pb.TensorShapeProto_Dimension_DimValue); ok {
				info.Dims[i] = fixed.DimValue
			}
		}
	}
	return info, nil
}
