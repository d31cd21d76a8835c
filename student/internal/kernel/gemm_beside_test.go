// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// besides are products whose speed is compared with ONNX Runtime's: large, as in
// convolutions, and those of a step of an MLP and of a transformer encoder.
var besides = []struct {
	name           string
	transA, transB bool
	m, n, k        int
}{
	{"square", false, false, 1024, 1024, 1024},
	{"square", false, true, 1024, 1024, 1024},
	{"square", true, false, 1024, 1024, 1024},
	{"conv", false, false, 64, 1024, 576},
	{"conv", false, false, 16, 8192, 144},
	{"conv", false, false, 128, 64, 1152},
	{"mlp", false, true, 64, 1200, 784},
	{"mlp", false, true, 64, 1200, 1200},
	{"mlp data", false, false, 64, 1200, 1200},
	{"mlp weight", true, false, 1200, 784, 64},
	{"mlp weight", true, false, 1200, 1200, 64},
	{"encoder", false, false, 2048, 384, 128},
	{"encoder", false, false, 2048, 512, 128},
	{"encoder", false, false, 2048, 128, 512},
	{"encoder data", false, true, 2048, 128, 384},
	{"encoder data", false, true, 2048, 128, 512},
	{"encoder data", false, true, 2048, 512, 128},
	{"encoder weight", true, false, 128, 384, 2048},
	{"encoder weight", true, false, 128, 512, 2048},
	{"encoder weight", true, false, 512, 128, 2048},
}

// BenchmarkGemmBeside lets Gemm and ONNX Runtime take turns at the same products,
// on one thread and on two, and prints their speeds and the ratio of the medians.
// Two threads of ours are two goroutines, each with half of C's rows.
func BenchmarkGemmBeside(b *testing.B) {
	path, _, err := ort.Find("")
	if err != nil {
		b.Skip("needs ONNX Runtime: ", err)
	}
	if err := ort.Init(path); err != nil {
		b.Fatal(err)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\nONNX Runtime %s, %s\n\n", ort.Version(), ort.CPUModel())
	table.WriteString("| product | m x n x k | ours, 1 thread, GFLOP/s | ONNX Runtime | ratio | ours, 2 threads, GFLOP/s | ONNX Runtime | ratio |\n|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range besides {
		kind := string("NT"[btoi(c.transA)]) + string("NT"[btoi(c.transB)])
		fmt.Fprintf(&table, "| %s, %s | %dx%dx%d |", c.name, kind, c.m, c.n, c.k)
		for threads := 1; threads <= 2; threads++ {
			b.Run(fmt.Sprintf("%s-%s/%dx%dx%d/%d", strings.ReplaceAll(c.name, " ", "-"), kind, c.m, c.n, c.k, threads), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, uint64(c.m)))
				ar, ac, br, bc := c.m, c.k, c.k, c.n
				if c.transA {
					ar, ac = ac, ar
				}
				if c.transB {
					br, bc = bc, br
				}
				x, y, z := normal(r, ar*ac), normal(r, br*bc), make([]float32, c.m*c.n)
				part := func(from, to int) {
					at := from * ac
					if c.transA {
						at = from
					}
					kernel.Gemm(c.transA, c.transB, to-from, c.n, c.k, 1, x[at:], ac, y, bc, 0, z[from*c.n:], c.n)
				}
				ours := func(reps int) {
					if threads == 1 {
						for range reps {
							part(0, c.m)
						}
						return
					}
					// Both wait for each other behind every product, as layers of a net do.
					var done atomic.Int64
					half := func(from, to int) {
						for i := range reps {
							part(from, to)
							for done.Add(1); done.Load() < int64(2*i+2); {
								runtime.Gosched()
							}
						}
					}
					var wait sync.WaitGroup
					wait.Go(func() { half(c.m/2, c.m) })
					half(0, c.m/2)
					wait.Wait()
				}
				model := product(b, c.transA, c.transB, x, y, []int64{int64(ar), int64(ac)}, []int64{int64(br), int64(bc)})
				flop := 2 * float64(c.m) * float64(c.n) * float64(c.k)
				reps := max(1, int(1e9/flop))
				var times [2][]float64
				for range 15 {
					ours(1)
					begin := time.Now()
					ours(reps)
					times[0] = append(times[0], float64(time.Since(begin).Nanoseconds())/float64(reps))
					times[1] = append(times[1], model.time(b, threads, reps))
				}
				var speed [2]float64
				for i, t := range times {
					slices.Sort(t)
					speed[i] = flop / t[len(t)/2]
				}
				b.ReportMetric(speed[0], "GFLOP/s")
				b.ReportMetric(speed[1], "ort-GFLOP/s")
				b.ReportMetric(speed[0]/speed[1], "ratio")
				b.ReportMetric(0, "ns/op")
				fmt.Fprintf(&table, " %.0f | %.0f | %.2f |", speed[0], speed[1], speed[0]/speed[1])
			})
		}
		table.WriteString("\n")
	}
	fmt.Println(table.String())
}

// gemmModel is a model of one Gemm and its operands.
type gemmModel struct {
	model []byte
	in    []ort.Value
}

func product(b *testing.B, transA, transB bool, x, y []float32, xDims, yDims []int64) *gemmModel {
	g := &onnx.Graph{Name: "product"}
	d := onnx.NewBuilder(g, "")
	in := func(name string, dims []int64) string {
		return d.Input(name, onnx.Float32, onnx.Fixed(dims[0]), onnx.Fixed(dims[1]))
	}
	m, n := xDims[0], yDims[1]
	if transA {
		m = xDims[1]
	}
	if transB {
		n = yDims[0]
	}
	out := d.Op("Gemm", []string{in("a", xDims), in("b", yDims)}, onnx.Int("transA", btoi(transA)), onnx.Int("transB", btoi(transB)))
	d.Output(out, onnx.Float32, onnx.Fixed(m), onnx.Fixed(n))
	model, err := (&onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}).Encode()
	if err != nil {
		b.Fatal(err)
	}
	return &gemmModel{model, []ort.Value{{Dims: xDims, Type: onnx.Float32, F: x}, {Dims: yDims, Type: onnx.Float32, F: y}}}
}

// time is the nanoseconds a product takes in a session that is closed again: the
// threads of an open one would wait actively beside what is measured next.
func (g *gemmModel) time(b *testing.B, threads, reps int) float64 {
	s, err := ort.Open(g.model, ort.Options{Threads: threads})
	if err != nil {
		b.Fatal(err)
	}
	bound, err := s.Bind(g.in)
	if err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	for _, n := range []int{1, reps} {
		begin := time.Now()
		for range n {
			if err := bound.Run(); err != nil {
				b.Fatal(err)
			}
		}
		took = time.Since(begin)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return float64(took.Nanoseconds()) / float64(reps)
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
