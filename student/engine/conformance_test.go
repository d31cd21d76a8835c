// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student/engine"
)

// The ONNX backend tests are models of mostly one node with the outputs they
// must give. Every case runs, or stands in the list with the reason why it does
// not; a listed case that passes fails the test, so the list cannot rot.
//
// The whole suite is read from ONNX_BACKEND_TESTS, a .tar.gz of the folder
// onnx/backend/test, or from the project's shared data; a selection is committed.
const (
	listFile   = "testdata/conformance.txt"
	writerFile = "testdata/conformance-writer.txt"
	subset     = "testdata/onnx-backend-subset.tar.gz"
)

var (
	update     = flag.Bool("update", false, "rewrite the lists of cases that do not run")
	makeSubset = flag.Bool("subset", false, "rewrite the committed selection")
)

// backendCase is one case: a model and its data sets.
type backendCase struct {
	name  string
	files map[string][]byte
}

func TestConformance(t *testing.T) {
	cases := backendCases(t)
	bad := runAll(t, "engine, forward", listFile, cases, runCase)
	if *makeSubset && len(cases) > fewCases {
		writeSubset(t, cases, bad)
	}
}

// TestConformanceWriter loads every case, writes it with this project's encoder
// and runs the result in ONNX Runtime.
func TestConformanceWriter(t *testing.T) {
	library, _, err := ort.Find("")
	if err != nil {
		t.Skip("ONNX Runtime was not found")
	}
	if err := ort.Init(library); err != nil {
		t.Fatal(err)
	}
	runAll(t, "writer, in ONNX Runtime", writerFile, backendCases(t), runWritten)
}

// fewCases is more than the committed selection holds.
const fewCases = 500

// runAll runs the cases against a list of those that do not pass, and returns
// the reasons of all that did not.
func runAll(t *testing.T, what, list string, cases []backendCase, run func(backendCase) error) map[string]string {
	t.Helper()
	listed := readList(t, list)
	bad := map[string]string{}
	passed, known, failed := 0, 0, 0
	for _, c := range cases {
		err := run(c)
		if err != nil {
			bad[c.name] = short(err)
		}
		switch reason, ok := listed[c.name]; {
		case *update:
		case err == nil && ok:
			failed++
			t.Errorf("%s passes now; take it off %s (it said: %s)", c.name, list, reason)
		case err == nil:
			passed++
		case ok:
			known++
		default:
			failed++
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if *update && len(cases) > fewCases {
		passed, known = len(cases)-len(bad), len(bad)
		writeList(t, list, bad)
	}
	t.Logf("%s: %d pass, %d listed, %d fail", what, passed, known, failed)
	return bad
}

// backendCases reads the whole suite, or the committed selection.
func backendCases(t *testing.T) []backendCase {
	t.Helper()
	shared := os.Getenv("KDCOMPRESS_SHARED_DATA")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared", "data")
	}
	for _, p := range []string{os.Getenv("ONNX_BACKEND_TESTS"), filepath.Join(shared, "onnx-backend-tests.tar.gz"), subset} {
		b, err := os.ReadFile(p)
		if p == "" || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return readCases(t, b)
	}
	t.Fatal("no backend tests, not even the committed selection")
	return nil
}

// readCases groups the files of an archive by case: the folder that holds
// model.onnx, named by its last two parts.
func readCases(t *testing.T, b []byte) []backendCase {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*backendCase{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(path.Clean(h.Name), "/")
		at := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, "test_") && !strings.HasPrefix(p, "test_data_set") })
		if h.Typeflag != tar.TypeReg || at < 1 || at == len(parts)-1 {
			continue
		}
		name := strings.Join(parts[at-1:at+1], "/")
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if byName[name] == nil {
			byName[name] = &backendCase{name, map[string][]byte{}}
		}
		byName[name].files[strings.Join(parts[at+1:], "/")] = data
	}
	var cases []backendCase
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if c := byName[name]; c.files["model.onnx"] != nil {
			cases = append(cases, *c)
		}
	}
	return cases
}

// tensors reads input_0.pb, input_1.pb, ... of the first data set.
func (c backendCase) tensors(kind string) ([]*onnx.Tensor, error) {
	var list []*onnx.Tensor
	for i := 0; ; i++ {
		b, ok := c.files[fmt.Sprintf("test_data_set_0/%s_%d.pb", kind, i)]
		if !ok {
			return list, nil
		}
		t, err := onnx.DecodeTensor(b)
		if err != nil {
			return nil, fmt.Errorf("%s %d is not a tensor", kind, i)
		}
		list = append(list, t)
	}
}

// runCase evaluates a case in the engine. All inputs are constants then, so that
// operators whose parameters are inputs run too: the engine folds the graph.
func runCase(c backendCase) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := onnx.Decode(c.files["model.onnx"])
	if err != nil {
		return err
	}
	in, err := c.tensors("input")
	if err != nil {
		return err
	}
	want, err := c.tensors("output")
	if err != nil {
		return err
	}
	if len(want) == 0 {
		return errors.New("the case has no outputs to compare")
	}
	data := m.Graph.DataInputs()
	if len(in) > len(data) {
		return errors.New("more inputs than the graph has")
	}
	for i, t := range in {
		t.Name = data[i].Name
		m.Graph.Initializers = append(m.Graph.Initializers, t)
	}
	if m, err = rewrite.Normalise(m); err != nil {
		return err
	}
	params, err := engine.NewParams[float32](m.Graph, func(string) bool { return true })
	if err != nil {
		return err
	}
	plan, err := engine.Compile(m.Graph, params, engine.Options{Batch: 1, Opset: int(m.Opset(""))})
	if err != nil {
		return err
	}
	if err := plan.Run(context.Background()); err != nil {
		return err
	}
	for i, w := range want {
		name := m.Graph.Outputs[i].Name
		values, err := onnx.Values[float64](w)
		if err != nil {
			return err
		}
		shape := make([]int, len(w.Dims))
		for d, n := range w.Dims {
			shape[d] = int(n)
		}
		if !slices.Equal(shape, plan.Shape(name)) {
			return fmt.Errorf("output %d has shape %v, want %v", i, plan.Shape(name), shape)
		}
		for j, v := range plan.Output(name) {
			if !near(float64(v), values[j]) {
				return fmt.Errorf("output %d, element %d is %g, want %g", i, j, v, values[j])
			}
		}
	}
	return nil
}

// near is the suite's own tolerance, with room for numbers that float32 rounds.
func near(got, want float64) bool {
	if math.IsNaN(want) {
		return math.IsNaN(got)
	}
	if math.IsInf(want, 0) {
		return got == want
	}
	return math.Abs(got-want) <= 1e-7+1e-3*math.Abs(want)
}

// runWritten decodes a case, encodes it again and lets ONNX Runtime judge.
func runWritten(c backendCase) error {
	m, err := onnx.Decode(c.files["model.onnx"])
	if err != nil {
		return err
	}
	in, err := c.tensors("input")
	if err != nil {
		return err
	}
	want, err := c.tensors("output")
	if err != nil {
		return err
	}
	b, err := m.Encode()
	if err != nil {
		return err
	}
	s, err := ort.Open(b, ort.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	var feed []ort.Value
	for _, t := range in {
		v := ort.Value{Dims: t.Dims, Type: t.Type, Raw: t.Data}
		if t.Type == onnx.Float32 {
			if v.F, err = onnx.Values[float32](t); err != nil {
				return err
			}
			v.Raw = nil
		}
		feed = append(feed, v)
	}
	out, err := s.Run(context.Background(), feed)
	if err != nil {
		return err
	}
	for i, w := range want {
		values, err := onnx.Values[float64](w)
		if err != nil {
			return err
		}
		got := out[i].F
		if out[i].Type != onnx.Float32 {
			if got, err = out[i].Float32s(); err != nil {
				return err
			}
		}
		if !slices.Equal(out[i].Dims, w.Dims) && len(out[i].Dims)+len(w.Dims) > 0 {
			return fmt.Errorf("output %d has shape %v, want %v", i, out[i].Dims, w.Dims)
		}
		for j := range got {
			if !near(float64(got[j]), values[j]) {
				return fmt.Errorf("output %d, element %d is %g, want %g", i, j, got[j], values[j])
			}
		}
	}
	return nil
}

// short is an error as the list holds it: one line, without the node's name.
func short(err error) string {
	var e *onnx.Error
	s := err.Error()
	if errors.As(err, &e) {
		s = e.Op + ": " + e.Err.Error()
	}
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimPrefix(s[:min(len(s), 160)], ": ")
}

// readList reads "case: reason" lines.
func readList(t *testing.T, name string) map[string]string {
	t.Helper()
	list := map[string]string{}
	b, err := os.ReadFile(name)
	if err != nil {
		if *update {
			return list
		}
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if line := s.Text(); line != "" && line[0] != '#' {
			c, reason, _ := strings.Cut(line, ": ")
			list[c] = reason
		}
	}
	return list
}

func writeList(t *testing.T, name string, got map[string]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Cases of the ONNX backend tests that do not run, and why. Rewritten by\n# go test ./student/engine -run Conformance -update\n")
	for _, c := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&b, "%s: %s\n", c, got[c])
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeSubset commits one passing single-node case of every operator, the
// smallest, and a few listed ones.
func writeSubset(t *testing.T, cases []backendCase, bad map[string]string) {
	t.Helper()
	size := func(c backendCase) (n int) {
		for _, b := range c.files {
			n += len(b)
		}
		return n
	}
	chosen := map[string]backendCase{}
	for _, c := range cases {
		m, err := onnx.Decode(c.files["model.onnx"])
		if _, listed := bad[c.name]; listed || err != nil || len(m.Graph.Nodes) != 1 || !strings.HasPrefix(c.name, "node/") {
			continue
		}
		op := m.Graph.Nodes[0].OpType
		if old, ok := chosen[op]; !ok || size(c) < size(old) {
			chosen[op] = c
		}
	}
	var list []backendCase
	for _, c := range chosen {
		if size(c) < 64<<10 {
			list = append(list, c)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, c := range list {
		for _, f := range slices.Sorted(maps.Keys(c.files)) {
			b := c.files[f]
			if err := w.WriteHeader(&tar.Header{Name: c.name + "/" + f, Mode: 0o644, Size: int64(len(b))}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(subset, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
