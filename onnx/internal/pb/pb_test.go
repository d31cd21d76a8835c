// SPDX-License-Identifier: Apache-2.0

package pb_test

import (
	"os"
	"testing"

	onnxgo "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/simple"
	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// TestBesideOnnxGo links the generated types of both into one program, which
// panics at start where they share names in the registry, and has both read one file.
func TestBesideOnnxGo(t *testing.T) {
	b, err := os.ReadFile("../../testdata/linear.onnx")
	if err != nil {
		t.Fatal(err)
	}
	var ours pb.ModelProto
	if err := proto.Unmarshal(b, &ours); err != nil {
		t.Fatal(err)
	}
	graph := simple.NewSimpleGraph()
	if err := onnxgo.NewModel(graph).UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	// One vertex for each tensor: the input, two weights, two results.
	tensors := len(ours.Graph.Input) + len(ours.Graph.Initializer) + len(ours.Graph.Node)
	if got := graph.Nodes().Len(); got != tensors {
		t.Errorf("onnx-go sees %d tensors, this package %d", got, tensors)
	}
}
