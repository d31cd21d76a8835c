// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

func TestDropNotes(t *testing.T) {
	note := []*pb.StringStringEntryProto{{Key: "stack", Value: "NOTE"}}
	data := message(t, func(p *pb.ModelProto) {
		g := p.Graph
		sub := &pb.GraphProto{Name: "then", Node: []*pb.NodeProto{{Name: "in", OpType: "Relu", Input: []string{"x"}, Output: []string{"in"}, MetadataProps: note, DocString: "NOTE"}},
			Output: []*pb.ValueInfoProto{{Name: "in"}}}
		g.Node = append(g.Node, &pb.NodeProto{OpType: "If", Input: []string{"x"}, Output: []string{"if"}, Attribute: []*pb.AttributeProto{
			{Name: "then_branch", Type: pb.AttributeProto_GRAPH, G: sub}, {Name: "else_branch", Type: pb.AttributeProto_GRAPH, G: proto.Clone(sub).(*pb.GraphProto)}}})
		g.ValueInfo = append(g.ValueInfo, &pb.ValueInfoProto{Name: "logits", DocString: "NOTE", MetadataProps: note})
		for _, n := range g.Node {
			n.DocString, n.MetadataProps = "NOTE", note
		}
		for _, w := range g.Initializer {
			w.DocString, w.MetadataProps = "NOTE", note
		}
		g.Input[0].DocString, p.MetadataProps[0].Value = "kept", "kept"
	})
	m, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	whole := m.Clone()
	m.Graph.DropNotes()
	got, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(got, []byte("NOTE")) || bytes.Count(got, []byte("kept")) != 2 {
		t.Errorf("%q", got)
	}
	if again, err := whole.Encode(); err != nil || bytes.Count(again, []byte("NOTE")) != bytes.Count(data, []byte("NOTE")) {
		t.Errorf("a clone lost its notes, error %v", err)
	}
}
