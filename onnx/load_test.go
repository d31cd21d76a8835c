// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// shared is a file of the project's shared data, which may be absent.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there: set KDCOMPRESS_SHARED_DATA", name)
	}
	return path
}

// fixedPoint checks that encoding what b decodes to is stable, and that neither
// Clone nor Sort changes it.
func fixedPoint(t *testing.T, b []byte) *Model {
	t.Helper()
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	once := encoded(t, m)
	again, err := Decode(once)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(once, encoded(t, again)) {
		t.Error("encoding twice gives different bytes")
	}
	if err := again.Graph.Sort(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(once, encoded(t, again.Clone())) {
		t.Error("a sorted clone gives different bytes")
	}
	return m
}

func TestTeachers(t *testing.T) {
	cases := []struct {
		name   string
		params int64
		inputs int
	}{
		{"mnist-burn", 376938, 1}, {"mnist-12", 5994, 1}, {"mnist-12-fp16", 5994, 1}, {"gesture-keypoint", 1103, 1},
		{"tract-lgbm-classifier", 945, 1}, {"tract-bidi-lstm-bytes", 339202, 1}, {"superres", 59657, 1}, {"silero-vad", 0, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := shared(t, "teachers/"+c.name+".onnx")
			if _, err := Load(path); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m := fixedPoint(t, b)
			if p, in := m.Graph.Params(), len(m.Graph.DataInputs()); p != c.params || in != c.inputs {
				t.Errorf("%d parameters, %d inputs, want %d, %d", p, in, c.params, c.inputs)
			}
		})
	}
}

// TestBackendModels reads every model of ONNX's own backend tests.
func TestBackendModels(t *testing.T) {
	f, err := os.Open(shared(t, "onnx-backend-tests.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".onnx") {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		count++
		t.Run(h.Name, func(t *testing.T) { fixedPoint(t, b) })
	}
	if count < 1000 {
		t.Errorf("only %d models", count)
	}
}

func TestValidFiles(t *testing.T) {
	cases := []struct {
		name string
		data []byte
	}{
		{"linear", encoded(t, linear())},
		{"branch", encoded(t, branch(3))},
		{"typed", typedModel(t)},
		{"rest", restModel(t)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := golden(t, c.name, c.data)
			if _, err := Load(path); err != nil {
				t.Fatal(err)
			}
			fixedPoint(t, c.data)
		})
	}
}

// restModel carries everything this package does not interpret.
func restModel(t *testing.T) []byte {
	note := []*pb.StringStringEntryProto{{Key: "note", Value: "kept"}}
	return message(t, func(p *pb.ModelProto) {
		p.Functions = []*pb.FunctionProto{{Name: "f", Domain: "local", Input: []string{"a"}, Output: []string{"b"}}}
		p.TrainingInfo = []*pb.TrainingInfoProto{{}}
		p.Graph.MetadataProps = note
		p.Graph.QuantizationAnnotation = []*pb.TensorAnnotation{{TensorName: "w"}}
		p.Graph.SparseInitializer = []*pb.SparseTensorProto{{
			Values: &pb.TensorProto{Name: "sparse", DataType: 1, Dims: []int64{1}, FloatData: []float32{1}}, Dims: []int64{4},
		}}
		n := p.Graph.Node[0]
		n.Overload, n.MetadataProps, n.DocString = "o", note, "doc"
		n.Attribute = append(n.Attribute,
			&pb.AttributeProto{Name: "tp", Type: pb.AttributeProto_TYPE_PROTO, Tp: p.Graph.Input[0].Type},
			&pb.AttributeProto{Name: "noted", Type: pb.AttributeProto_INT, I: 3, DocString: "why"})
		p.Graph.Initializer[0].MetadataProps = note
		p.Graph.Input[0].Type.Denotation = "IMAGE"
		p.Graph.Input[0].Type.GetTensorType().Shape.Dim[0].Denotation = "DATA_BATCH"
		p.Graph.ValueInfo = []*pb.ValueInfoProto{{Name: "logits", MetadataProps: note, Type: &pb.TypeProto{
			Value: &pb.TypeProto_SequenceType{SequenceType: &pb.TypeProto_Sequence{ElemType: p.Graph.Input[0].Type}},
		}}}
		p.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 5})
	})
}

// TestRestIsKept compares bytes: this package's own form of a file loses nothing.
func TestRestIsKept(t *testing.T) {
	b := restModel(t)
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := encoded(t, m); !bytes.Equal(got, b) {
		t.Errorf("%d bytes become %d", len(b), len(got))
	}
	if v := m.Graph.ValueInfo[0]; v.Kind != "sequence" || v.Type != Undefined {
		t.Errorf("a sequence reads as %+v", v)
	}
}

// typedModel holds one initializer for each typed data field.
func typedModel(t *testing.T) []byte {
	return message(t, func(p *pb.ModelProto) {
		add := func(x *pb.TensorProto, typ DataType, dims ...int64) {
			x.Name, x.DataType, x.Dims = typ.String(), int32(typ), dims
			p.Graph.Initializer = append(p.Graph.Initializer, x)
		}
		small := []int32{1, 0, -1}
		for _, d := range []DataType{Int32, Int16, Int8, Bool} {
			add(&pb.TensorProto{Int32Data: small}, d, 3)
		}
		for _, d := range []DataType{Uint16, Uint8} {
			add(&pb.TensorProto{Int32Data: []int32{1, 0, 255}}, d, 3)
		}
		add(&pb.TensorProto{Int32Data: []int32{0x3c00, 0, 0xbc00}}, Float16, 3)
		add(&pb.TensorProto{Int32Data: []int32{0x3f80, 0, 0xbf80}}, BFloat16, 3)
		add(&pb.TensorProto{FloatData: []float32{1, 0, -1}}, Float32, 3)
		add(&pb.TensorProto{DoubleData: []float64{1, 0, -1}}, Float64, 3)
		add(&pb.TensorProto{Int64Data: []int64{1, 0, -1}}, Int64, 3)
		add(&pb.TensorProto{Uint64Data: []uint64{1, 0, 255}}, Uint64, 3)
		add(&pb.TensorProto{Uint64Data: []uint64{1, 0, 255}}, Uint32, 3)
		add(&pb.TensorProto{FloatData: []float32{1, 0, 0, -1}}, Complex64, 2)
		add(&pb.TensorProto{DoubleData: []float64{1, 0}}, Complex128)
		add(&pb.TensorProto{StringData: [][]byte{[]byte("a"), nil}}, StringType, 2)
		add(&pb.TensorProto{Int32Data: []int32{0x21, 0x03}}, 22, 3)
		add(&pb.TensorProto{}, 17, 0, 5)
	})
}

func TestTypedFields(t *testing.T) {
	m, err := Decode(typedModel(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []DataType{Int32, Int16, Int8, Float16, BFloat16, Float32, Float64, Int64} {
		v, err := Values[float64](m.Graph.Initializer(d.String()))
		if err != nil || !reflect.DeepEqual(v, []float64{1, 0, -1}) {
			t.Errorf("%s: %v, %v", d, v, err)
		}
	}
	for _, d := range []DataType{Uint16, Uint8, Uint64, Uint32} {
		v, err := Values[int64](m.Graph.Initializer(d.String()))
		if err != nil || !reflect.DeepEqual(v, []int64{1, 0, 255}) {
			t.Errorf("%s: %v, %v", d, v, err)
		}
	}
	raw := map[string][]byte{
		"bool": {1, 0, 1}, "int4": {0x21, 0x03}, "float8e4m3fn": nil,
		"complex64": {0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xbf},
	}
	for name, want := range raw {
		if got := m.Graph.Initializer(name).Data; !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
	if s := m.Graph.Initializer("string").Strings; len(s) != 2 || string(s[0]) != "a" || len(s[1]) != 0 {
		t.Errorf("strings: %q", s)
	}
}

func TestLoadPaths(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.onnx")
	_, err := Load(missing)
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
	huge := filepath.Join(dir, "huge.onnx")
	if err := os.WriteFile(huge, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxFileSize); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	if _, err := Load(huge); err == nil || !strings.Contains(err.Error(), "less than 2 GiB") {
		t.Errorf("huge file: %v", err)
	}
}

// TestHostileMemory decodes files that are small and would be large in memory.
func TestHostileMemory(t *testing.T) {
	nodes := bytes.Repeat([]byte{0x0a, 0x00}, 1<<20)              // GraphProto.node, empty
	inputs := wrap(0x0a, bytes.Repeat([]byte{0x0a, 0x00}, 4<<20)) // one node, many empty inputs
	nested := []byte{}
	for range 1000 { // GraphProto.node.attribute.g
		nested = wrap(0x0a, wrap(0x2a, wrap(0x32, nested)))
	}
	for name, graph := range map[string][]byte{"empty nodes": nodes, "empty strings": inputs, "nested graphs": nested} {
		data := append([]byte{0x42, 0x02, 0x10, 0x0d}, wrap(0x3a, graph)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(data)
		runtime.ReadMemStats(&after)
		if err == nil && name != "empty strings" {
			t.Errorf("%s: decodes", name)
		}
		limit := uint64(2*(memoryPerByte*len(data)) + memorySpare)
		if used := after.TotalAlloc - before.TotalAlloc; used > limit {
			t.Errorf("%s: %d bytes of file take %d of memory", name, len(data), used)
		}
	}
}

// wrap is b as a length-delimited field.
func wrap(tag byte, b []byte) []byte {
	return append(protowire.AppendVarint([]byte{tag}, uint64(len(b))), b...)
}
