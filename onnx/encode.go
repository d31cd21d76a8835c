// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// Encode writes the model as the bytes of a file. The same model gives the same
// bytes, and decoding and encoding them again changes nothing. What the file it
// was read from held beyond this package's types is written back as it was.
// A model of 2 GiB and more is an error.
func (m *Model) Encode() ([]byte, error) {
	p := &pb.ModelProto{}
	if m.rest != nil {
		p = proto.Clone(m.rest).(*pb.ModelProto)
	}
	p.IrVersion, p.ModelVersion = m.IRVersion, m.ModelVersion
	p.ProducerName, p.ProducerVersion = m.ProducerName, m.ProducerVersion
	p.Domain, p.DocString = m.Domain, m.Doc
	for _, o := range m.Opsets {
		p.OpsetImport = append(p.OpsetImport, &pb.OperatorSetIdProto{Domain: o.Domain, Version: o.Version})
	}
	for _, e := range m.Metadata {
		p.MetadataProps = append(p.MetadataProps, &pb.StringStringEntryProto{Key: e.Key, Value: e.Value})
	}
	if m.Graph == nil {
		return nil, &Error{Err: errors.New("model has no graph")}
	}
	var err error
	if p.Graph, err = encodeGraph(m.Graph); err != nil {
		return nil, &Error{Err: err}
	}
	if n := proto.Size(p); n >= maxFileSize {
		return nil, &Error{Err: fmt.Errorf("model takes %d bytes: an ONNX file holds less than 2 GiB", n)}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		return nil, &Error{Err: errors.New(plainSpaces(err.Error()))}
	}
	return b, nil
}

func encodeGraph(g *Graph) (*pb.GraphProto, error) {
	p := &pb.GraphProto{}
	if g.rest != nil {
		p = proto.Clone(g.rest).(*pb.GraphProto)
	}
	p.Name, p.DocString = g.Name, g.Doc
	for _, t := range g.Initializers {
		p.Initializer = append(p.Initializer, encodeTensor(t))
	}
	for _, n := range g.Nodes {
		node, err := encodeNode(n)
		if err != nil {
			return nil, err
		}
		p.Node = append(p.Node, node)
	}
	var err error
	for _, list := range []struct {
		from []*Value
		to   *[]*pb.ValueInfoProto
	}{{g.Inputs, &p.Input}, {g.Outputs, &p.Output}, {g.ValueInfo, &p.ValueInfo}} {
		if *list.to, err = encodeValues(list.from); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func encodeNode(n *Node) (*pb.NodeProto, error) {
	p := &pb.NodeProto{}
	if n.rest != nil {
		p = proto.Clone(n.rest).(*pb.NodeProto)
	}
	p.Name, p.OpType, p.Domain, p.DocString = n.Name, n.OpType, n.Domain, n.Doc
	p.Input, p.Output = n.Inputs, n.Outputs
	for i := range n.Attrs {
		a, err := encodeAttr(&n.Attrs[i])
		if err != nil {
			return nil, err
		}
		p.Attribute = append(p.Attribute, a)
	}
	return p, nil
}

func encodeAttr(a *Attr) (*pb.AttributeProto, error) {
	p := &pb.AttributeProto{}
	if a.rest != nil {
		p = proto.Clone(a.rest).(*pb.AttributeProto)
	}
	p.Name = a.Name
	if a.Kind != AttrOther {
		p.Type = pb.AttributeProto_AttributeType(a.Kind)
	}
	if (a.Kind == AttrTensor && a.T == nil) || (a.Kind == AttrGraph && a.G == nil) {
		return nil, fmt.Errorf("attribute %q has no value", quoteName(a.Name))
	}
	var err error
	switch a.Kind {
	case AttrFloat:
		p.F = a.F
	case AttrInt:
		p.I = a.I
	case AttrString:
		p.S = a.S
	case AttrTensor:
		p.T = encodeTensor(a.T)
	case AttrGraph:
		p.G, err = encodeGraph(a.G)
	case AttrFloats:
		p.Floats = a.Floats
	case AttrInts:
		p.Ints = a.Ints
	case AttrStrings:
		p.Strings = a.Strings
	case AttrTensors:
		for _, t := range a.Tensors {
			p.Tensors = append(p.Tensors, encodeTensor(t))
		}
	case AttrGraphs:
		for _, g := range a.Graphs {
			sub, e := encodeGraph(g)
			if e != nil {
				return nil, e
			}
			p.Graphs = append(p.Graphs, sub)
		}
	}
	return p, err
}

// encodeTensor writes elements as raw_data, strings as string_data.
func encodeTensor(t *Tensor) *pb.TensorProto {
	p := &pb.TensorProto{}
	if t.rest != nil {
		p = proto.Clone(t.rest).(*pb.TensorProto)
	}
	p.Name, p.DataType, p.Dims, p.DocString = t.Name, int32(t.Type), t.Dims, t.Doc
	if t.Type == StringType {
		p.StringData = t.Strings
	} else if len(t.Data) > 0 {
		p.RawData = t.Data
	}
	return p
}
