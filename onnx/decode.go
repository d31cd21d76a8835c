// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// Decode reads a model from the bytes of a file. Lengths, nesting and memory
// are checked before anything is allocated; every tensor has the size that its
// dims say. Whether the graph makes sense is Check's question. Every error is an
// *Error.
func Decode(data []byte) (*Model, error) {
	m, err := decodeModel(data)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Err: err}
		}
		return nil, e
	}
	return m, nil
}

func decodeModel(data []byte) (*Model, error) {
	if len(data) == 0 {
		return nil, errors.New("file is empty")
	}
	if len(data) >= maxFileSize {
		return nil, errors.New("an ONNX file holds less than 2 GiB")
	}
	p := &pb.ModelProto{}
	err := scan(data)
	if err == nil {
		err = proto.UnmarshalOptions{RecursionLimit: maxMessageDepth + 1}.Unmarshal(data, p)
		if err != nil {
			err = fmt.Errorf("damaged ONNX model: %s", plainSpaces(err.Error()))
		}
	}
	if err == nil && p.Graph == nil {
		err = errors.New("not an ONNX model: it holds no graph")
	}
	if err != nil {
		if s := stranger(data); s != "" {
			return nil, errors.New(s)
		}
		return nil, err
	}
	if len(p.OpsetImport) == 0 {
		return nil, errors.New("model imports no operator set (opset_import is empty)")
	}
	m := &Model{
		IRVersion:       p.IrVersion,
		ProducerName:    p.ProducerName,
		ProducerVersion: p.ProducerVersion,
		Domain:          p.Domain,
		ModelVersion:    p.ModelVersion,
		Doc:             p.DocString,
	}
	for _, o := range p.OpsetImport {
		m.Opsets = append(m.Opsets, Opset{o.Domain, o.Version})
	}
	for _, e := range p.MetadataProps {
		m.Metadata = append(m.Metadata, Property{e.Key, e.Value})
	}
	if m.Graph, err = decodeGraph(p.Graph, 1); err != nil {
		return nil, err
	}
	p.IrVersion, p.ProducerName, p.ProducerVersion, p.Domain = 0, "", "", ""
	p.ModelVersion, p.DocString, p.OpsetImport, p.MetadataProps, p.Graph = 0, "", nil, nil, nil
	m.rest, err = keep(p)
	return m, err
}

// plainSpaces undoes the non-breaking spaces that package proto puts into its
// messages.
func plainSpaces(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

// keep returns what is left of a message once the interpreted fields are taken
// out, nil if nothing is. External data is refused in the rest too.
func keep[M interface {
	comparable
	proto.Message
}](p M) (M, error) {
	var none M
	if proto.Size(p) == 0 {
		return none, nil
	}
	return p, refuseExternal(p)
}

func decodeGraph(p *pb.GraphProto, depth int) (*Graph, error) {
	if depth > maxGraphDepth {
		return nil, fmt.Errorf("graphs are nested deeper than %d", maxGraphDepth)
	}
	g := &Graph{Name: p.Name, Doc: p.DocString}
	for _, t := range p.Initializer {
		tensor, err := decodeTensor(t)
		if err != nil {
			return nil, fmt.Errorf("initializer %w", err)
		}
		g.Initializers = append(g.Initializers, tensor)
	}
	for _, n := range p.Node {
		node, err := decodeNode(n, depth)
		if err != nil {
			return nil, atNode(n.Name, n.OpType, n.Output, err)
		}
		g.Nodes = append(g.Nodes, node)
	}
	g.Inputs = decodeValues(p.Input)
	g.Outputs = decodeValues(p.Output)
	g.ValueInfo = decodeValues(p.ValueInfo)
	p.Name, p.DocString, p.Initializer, p.Node = "", "", nil, nil
	p.Input, p.Output, p.ValueInfo = nil, nil, nil
	var err error
	g.rest, err = keep(p)
	return g, err
}

// atNode says at which node an error arose; the innermost node wins. A node
// without a name goes by its first output.
func atNode(name, op string, outputs []string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	if i := slices.IndexFunc(outputs, func(s string) bool { return s != "" }); name == "" && i >= 0 {
		name = outputs[i]
	}
	return &Error{Node: name, Op: op, Err: err}
}

func decodeNode(p *pb.NodeProto, depth int) (*Node, error) {
	n := &Node{
		Name: p.Name, OpType: p.OpType, Domain: p.Domain,
		Inputs: p.Input, Outputs: p.Output, Doc: p.DocString,
	}
	for _, a := range p.Attribute {
		attr, err := decodeAttr(a, depth)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				err = fmt.Errorf("attribute %q: %w", quoteName(a.Name), err)
			}
			return nil, err
		}
		n.Attrs = append(n.Attrs, attr)
	}
	p.Name, p.OpType, p.Domain, p.DocString = "", "", "", ""
	p.Input, p.Output, p.Attribute = nil, nil, nil
	var err error
	n.rest, err = keep(p)
	return n, err
}
