// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// DropNotes takes out what exporters note on nodes, initializers and intermediate
// values (doc_string, metadata_props), in subgraphs too: no runtime reads it, and
// PyTorch's stack traces can be most of a small file. What a client sees, the
// model's metadata and its inputs and outputs, keeps its notes.
func (g *Graph) DropNotes() {
	for _, n := range g.Nodes {
		n.Doc = ""
		n.rest = without(n.rest, func(p *pb.NodeProto) { p.MetadataProps = nil })
		for _, sub := range n.Graphs() {
			sub.DropNotes()
		}
	}
	for _, t := range g.Initializers {
		t.Doc = ""
		t.rest = without(t.rest, func(p *pb.TensorProto) { p.MetadataProps = nil })
	}
	for _, v := range g.ValueInfo {
		v.Doc = ""
		v.rest = without(v.rest, func(p *pb.ValueInfoProto) { p.DocString, p.MetadataProps = "", nil })
	}
}

// without is a copy of a rest, which is shared, with something taken out.
func without[M interface {
	comparable
	proto.Message
}](rest M, take func(M)) M {
	var none M
	if rest == none {
		return none
	}
	c := proto.Clone(rest).(M)
	take(c)
	if proto.Size(c) == 0 {
		return none
	}
	return c
}
