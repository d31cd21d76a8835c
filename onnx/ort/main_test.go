// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
)

// loadOnly has the test binary load the library it names, or none for noLibrary,
// tell what came of it, and exit: a process loads a library once only.
const (
	loadOnly  = "ORT_TEST_LOAD_ONLY"
	noLibrary = "none"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(loadOnly); path != "" {
		var err error
		if path == noLibrary {
			_, err = Open([]byte("model"), Options{})
		} else {
			err = Init(path)
		}
		if err != nil {
			fmt.Print(err, Version())
			os.Exit(3)
		}
		fmt.Print(Version())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// library loads ONNX Runtime, or skips the test where there is none.
func library(t testing.TB) string {
	t.Helper()
	path, _, err := Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := Init(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// teacher reads a shared test model, or skips the test where there is none.
func teacher(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	b, err := os.ReadFile(filepath.Join(dir, "teachers", name))
	if err != nil {
		t.Skipf("needs the shared test model teachers/%s: %v", name, err)
	}
	return b
}

// encode makes the bytes of a model of opset 17 that build fills.
func encode(t testing.TB, build func(b *onnx.Builder)) []byte {
	t.Helper()
	g := &onnx.Graph{Name: "test"}
	build(onnx.NewBuilder(g, ""))
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens a session that the test closes.
func open(t testing.TB, model []byte, opts Options) *Session {
	t.Helper()
	s, err := Open(model, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func run(t testing.TB, s *Session, in ...Value) []Value {
	t.Helper()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func floats(t testing.TB, dims []int64, v ...float32) Value {
	t.Helper()
	return numbersOf(t, onnx.Float32, dims, v...)
}

func numbersOf(t testing.TB, typ onnx.DataType, dims []int64, v ...float32) Value {
	t.Helper()
	x, err := FromFloat32(typ, dims, v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// softmax computes Softmax(x W + b) for x of shape [N,2], W = [[1,-1],[2,3]], b = [0.5,0].
func softmax(b *onnx.Builder) {
	x := b.Input("x", onnx.Float32, onnx.Symbolic("n"), onnx.Fixed(2))
	w := b.Float32("w", []int64{2, 2}, []float32{1, -1, 2, 3})
	c := b.Float32("b", []int64{2}, []float32{0.5, 0})
	y := b.Op("Add", []string{b.Op("MatMul", []string{x, w}), c})
	b.Output(b.OpNamed("p", "Softmax", []string{y}, onnx.Int("axis", -1)), onnx.Float32, onnx.Symbolic("n"), onnx.Fixed(2))
}
