// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// decodeAttr reads an attribute of a node in a graph at the given depth.
func decodeAttr(p *pb.AttributeProto, depth int) (Attr, error) {
	a := Attr{Name: p.Name, Kind: attrKind(p)}
	var err error
	switch a.Kind {
	case AttrFloat:
		a.F, p.F = p.F, 0
	case AttrInt:
		a.I, p.I = p.I, 0
	case AttrString:
		a.S, p.S = p.S, nil
	case AttrTensor:
		if p.T == nil {
			return a, errors.New("holds no tensor")
		}
		a.T, err = decodeTensor(p.T)
		p.T = nil
	case AttrGraph:
		if p.G == nil {
			return a, errors.New("holds no graph")
		}
		a.G, err = decodeGraph(p.G, depth+1)
		p.G = nil
	case AttrFloats:
		a.Floats, p.Floats = p.Floats, nil
	case AttrInts:
		a.Ints, p.Ints = p.Ints, nil
	case AttrStrings:
		a.Strings, p.Strings = p.Strings, nil
	case AttrTensors:
		for _, t := range p.Tensors {
			tensor, e := decodeTensor(t)
			if e != nil {
				return a, e
			}
			a.Tensors = append(a.Tensors, tensor)
		}
		p.Tensors = nil
	case AttrGraphs:
		for _, g := range p.Graphs {
			graph, e := decodeGraph(g, depth+1)
			if e != nil {
				return a, e
			}
			a.Graphs = append(a.Graphs, graph)
		}
		p.Graphs = nil
	}
	if err != nil {
		return a, err
	}
	p.Name = ""
	if a.Kind != AttrOther {
		p.Type = 0
	}
	a.rest, err = keep(p)
	return a, err
}

// attrKind is the declared kind of an attribute, or, in files of IR version 1
// that declare none, the one of the field in use.
func attrKind(p *pb.AttributeProto) AttrKind {
	switch k := AttrKind(p.Type); {
	case k >= AttrFloat && k <= AttrGraphs:
		return k
	case k != 0 || p.RefAttrName != "":
		return AttrOther
	}
	switch {
	case p.F != 0:
		return AttrFloat
	case p.I != 0:
		return AttrInt
	case len(p.S) > 0:
		return AttrString
	case p.T != nil:
		return AttrTensor
	case p.G != nil:
		return AttrGraph
	case len(p.Floats) > 0:
		return AttrFloats
	case len(p.Ints) > 0:
		return AttrInts
	case len(p.Strings) > 0:
		return AttrStrings
	case len(p.Tensors) > 0:
		return AttrTensors
	case len(p.Graphs) > 0:
		return AttrGraphs
	}
	return AttrOther
}
