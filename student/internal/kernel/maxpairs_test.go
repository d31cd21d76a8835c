// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Windows of two by two of every width, with ties, infinities and NaNs, have the
// winners of the plain loop.
func TestMaxPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	specials := []float32{0, 1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for cols := 1; cols < 50; cols++ {
		rows, width := 1+r.IntN(4), 2*cols+r.IntN(2)
		t.Run(fmt.Sprintf("%dx%d of %d", rows, cols, width), func(t *testing.T) {
			x := guarded[float32](r, (2*rows-1)*width+2*cols)
			for i := range x {
				if r.IntN(3) == 0 {
					x[i] = specials[r.IntN(len(specials))]
				}
			}
			p := pairs[float32]{rows: rows, cols: cols, width: width, x: x, y: guarded[float32](r, rows*cols), arg: guarded[float32](r, rows*cols)}
			p.run()
			q := p
			q.y, q.arg = make([]float32, rows*cols), make([]float32, rows*cols)
			maxPairsGo(&q)
			for i := range q.y {
				if math.Float32bits(p.y[i]) != math.Float32bits(q.y[i]) || p.arg[i] != q.arg[i] {
					t.Fatalf("window %d: %v at %v, want %v at %v", i, p.y[i], p.arg[i], q.y[i], q.arg[i])
				}
			}
			for _, b := range [][]float32{p.y, p.arg} {
				for _, v := range edges(b) {
					if v == v {
						t.Fatal("wrote beside it")
					}
				}
			}
		})
	}
}
