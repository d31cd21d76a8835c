// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"kdcompress": main}) }

// TestScript runs the command as a shell would. The
// condition [runtime] says that ONNX Runtime was found.
func TestScript(t *testing.T) {
	library, _, err := ort.Find("")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("KDCOMPRESS_ORT_LIB", library)
			return nil
		},
		Condition: func(cond string) (bool, error) { return cond == "runtime" && err == nil, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"teacher":  writeTeacher,
			"samples":  writeSamples,
			"truncate": truncate,
			"waitfor":  waitFor,
		},
	})
}

// writeTeacher makes a classifier of vectors of 6 numbers into 3 classes, big
// enough that a tenth of it is a student: teacher FILE.
func writeTeacher(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: teacher FILE")
	}
	g := &onnx.Graph{Name: "teacher"}
	b := onnx.NewBuilder(g, "")
	r := rand.New(rand.NewPCG(4, 2))
	weight := func(name string, dims ...int64) string {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() / math.Sqrt(float64(dims[len(dims)-1])) * 1.5)
		}
		return b.Float32(name, dims, v)
	}
	x := b.Input("features", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(6))
	h := b.Op("Relu", []string{b.Op("Gemm", []string{x, weight("w1", 2000, 6), weight("b1", 2000)}, onnx.Int("transB", 1))})
	z := b.Op("Gemm", []string{h, weight("w2", 3, 2000), weight("b2", 3)}, onnx.Int("transB", 1))
	g.Nodes = append(g.Nodes, &onnx.Node{Name: "softmax", OpType: "Softmax", Inputs: []string{z}, Outputs: []string{"class probabilities"}, Attrs: []onnx.Attr{onnx.Int("axis", 1)}})
	b.Output("class probabilities", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(3))
	m := &onnx.Model{IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}}, Graph: g, Metadata: []onnx.Property{{Key: "author", Value: "somebody"}}}
	ts.Check(onnx.Save(ts.MkAbs(args[0]), m))
}

// writeSamples makes an .npy file: samples FILE ROWS COLUMNS [SHARE], with a NaN
// in that share of the rows.
func writeSamples(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: samples FILE ROWS COLUMNS [SHARE]")
	}
	rows, err := strconv.Atoi(args[1])
	ts.Check(err)
	columns, err := strconv.Atoi(args[2])
	ts.Check(err)
	bad := 0.0
	if len(args) > 3 {
		bad, err = strconv.ParseFloat(args[3], 64)
		ts.Check(err)
	}
	r := rand.New(rand.NewPCG(uint64(rows), 3))
	v := make([]float32, rows*columns)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	for i := range int(bad * float64(rows)) {
		v[i*columns] = float32(math.NaN())
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(data.WriteNPY(f, []int{rows, columns}, v))
	ts.Check(f.Close())
}

// truncate cuts a file to half its length: truncate FILE.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: truncate FILE")
	}
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

// waitFor waits until a file is there: waitfor FILE.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for range 600 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}
