// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// definition computes a channels-last convolution and its gradients as they are
// defined, in float64.
func definition(w *Window, in, out, images int, relu bool, x, k, bias, dy []float64) (y, dx, dk, db []float64) {
	_, ya, xa := w.axes()
	inLen, outLen, taps := w.InLen(), w.OutLen(), w.Taps()
	y, dx, dk, db = make([]float64, images*outLen*out), make([]float64, len(x)), make([]float64, len(k)), make([]float64, out)
	visit := func(f func(i, o, p, m, c, t int)) {
		for i := range images {
			for oy := range ya.out {
				for ox := range xa.out {
					for ty := range ya.taps {
						for tx := range xa.taps {
							iy, ix := ya.at(oy, ty), xa.at(ox, tx)
							if iy < 0 || iy >= ya.in || ix < 0 || ix >= xa.in {
								continue
							}
							for m := range out {
								for c := range in {
									f(i, (i*outLen+oy*xa.out+ox)*out+m, (i*inLen+iy*xa.in+ix)*in+c, m, c, ty*xa.taps+tx)
								}
							}
						}
					}
				}
			}
		}
	}
	for o := range y {
		y[o] = bias[o%out]
	}
	visit(func(_, o, p, m, c, t int) { y[o] += x[p] * k[(m*in+c)*taps+t] })
	d := make([]float64, len(dy))
	for o := range y {
		if relu && y[o] < 0 {
			y[o] = 0
			continue
		}
		d[o] = dy[o]
		db[o%out] += dy[o]
	}
	visit(func(_, o, p, m, c, t int) {
		dx[p] += d[o] * k[(m*in+c)*taps+t]
		dk[(m*in+c)*taps+t] += d[o] * x[p]
	})
	return y, dx, dk, db
}

// checkConvLast compares a convolution in two slices with its definition.
func checkConvLast[T Float](t *testing.T, r *rand.Rand, w *Window, in, out, images int, relu, bf16 bool, eps float64) bool {
	c := NewConvLast[T](w, in, out, relu, 2, bf16)
	if c == nil || bf16 && !c.half {
		return false
	}
	inLen, outLen := w.InLen()*in, w.OutLen()*out
	x, k, bias, dy := guarded[T](r, images*inLen), guarded[T](r, out*in*w.Taps()), guarded[T](r, out), guarded[T](r, images*outLen)
	y, dx, dk, db := guarded[T](r, len(dy)), guarded[T](r, len(x)), guarded[T](r, len(k)), guarded[T](r, out)
	if bf16 { // operands that it holds are not changed
		for _, part := range [][]T{x, k, dy} {
			for i, v := range part {
				part[i] = T(BF16(float32(v)))
			}
		}
	}
	widen := func(x []T) []float64 {
		f := make([]float64, len(x))
		for i, v := range x {
			f[i] = float64(v)
		}
		return f
	}
	wantY, wantX, wantK, wantB := definition(w, in, out, images, relu, widen(x), widen(k), widen(bias), widen(dy))
	set := r.IntN(2) == 0
	for i, v := range dx {
		if !set {
			wantX[i] += float64(v)
		}
	}
	for i, v := range dk {
		wantK[i] += float64(v)
	}
	for i, v := range db {
		wantB[i] += float64(v)
	}
	scratch := guarded[T](r, c.Scratch())
	cut := images / 2
	for pass := range 2 {
		for _, part := range [][2]int{{0, cut}, {cut, images}} {
			lo, hi := part[0], part[1]
			if lo == hi {
				continue
			}
			Fill(scratch, T(math.NaN()))
			first := part[0] == 0 || cut == 0
			if pass == 0 {
				c.Forward(1, first, y[lo*outLen:hi*outLen:hi*outLen], x[lo*inLen:hi*inLen:hi*inLen], k, bias, hi-lo, scratch)
				continue
			}
			g := &GradLast[T]{DX: dx[lo*inLen : hi*inLen : hi*inLen], DW: dk, DB: db, Set: set, DY: dy[lo*outLen : hi*outLen : hi*outLen],
				X: x[lo*inLen : hi*inLen : hi*inLen], W: k, Images: hi - lo, First: first, Last: hi == images}
			if relu {
				g.Y = y[lo*outLen : hi*outLen : hi*outLen]
			}
			c.Backward(1, g, scratch)
		}
	}
	compare := func(name string, got []T, want []float64, terms int) {
		size := 1.0
		for _, v := range want {
			size = max(size, math.Abs(v))
		}
		for i, v := range got {
			if !(math.Abs(float64(v)-want[i]) <= eps*size*math.Sqrt(float64(terms))) {
				t.Fatalf("%s[%d] is %v, want %v", name, i, v, want[i])
			}
		}
		for _, v := range edges(got) {
			if v == v {
				t.Fatalf("%s: wrote beside it", name)
			}
		}
	}
	if relu { // where rounding flips a mask the gradients differ by whole terms
		for i, v := range y {
			if (v > 0) != (wantY[i] > 0) {
				return true
			}
		}
	}
	compare("y", y, wantY, in*w.Taps())
	compare("dx", dx, wantX, out*w.Taps())
	compare("dw", dk, wantK, images*w.OutLen())
	compare("db", db, wantB, images*w.OutLen())
	return true
}

// edges are the guards before and after a slice that guarded made.
func edges[T Float](x []T) []T {
	all := unsafeAround(x)
	return append(append([]T{}, all[:guard]...), all[guard+len(x):]...)
}

// eachLast runs a test with every set of loops that this machine has.
func eachLast(t *testing.T, test func(t *testing.T)) {
	defer func(l *lastLoops) { lasts = l }(lasts)
	for _, lasts = range lastSets {
		t.Run(fmt.Sprintf("%d lanes", lasts.lanes), test)
	}
	lasts = nil
	t.Run("plain", test)
}

func TestConvLast(t *testing.T) { eachLast(t, testConvLast) }

func testConvLast(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	ran := 0
	for n, w := range convGeometry() {
		if lasts == nil && n%4 != 0 {
			continue // float64 takes the same way
		}
		in, out := 1+r.IntN(40), 1+r.IntN(70)
		if n%3 == 0 {
			in, out = 8*(1+r.IntN(4)), 8*(1+r.IntN(5))
		}
		images := 1 + r.IntN(3)
		if w.OutLen()*in*out*w.Taps() > 2<<20 {
			in, out = 1+r.IntN(9), 1+r.IntN(20)
		}
		relu := r.IntN(2) == 0
		t.Run(fmt.Sprintf("%v %d to %d relu %v", w, in, out, relu), func(t *testing.T) {
			if checkConvLast[float32](t, r, w, in, out, images, relu, false, 2e-6) {
				ran++
			}
			if w.OutLen()*in*out*w.Taps() < 1<<18 {
				checkConvLast[float64](t, r, w, in, out, images, relu, false, 1e-12)
			}
		})
	}
	if ran < 50 {
		t.Errorf("%d geometries ran", ran)
	}
}

// Windows without gaps in bfloat16: along one axis with any stride, padding and
// number of taps, and of one pixel.
func TestConvLastBF16(t *testing.T) { eachLast(t, testConvLastBF16) }

func testConvLastBF16(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	ran := 0
	for n, w := range convGeometry() {
		in, out, images, relu := 2+r.IntN(40), 1+r.IntN(70), 1+r.IntN(3), n%2 == 0
		if w.OutLen()*in*out*w.Taps() > 2<<20 {
			continue
		}
		t.Run(fmt.Sprintf("%v %d to %d relu %v", w, in, out, relu), func(t *testing.T) {
			if checkConvLast[float32](t, r, w, in, out, images, relu, true, 2e-6) {
				ran++
			}
			if w.OutLen()*in*out*w.Taps() < 1<<16 {
				checkConvLast[float64](t, r, w, in, out, images, relu, true, 1e-12)
			}
		})
	}
	if ran < 10 {
		t.Errorf("%d geometries ran", ran)
	}
}

func TestWinograd(t *testing.T) { eachLast(t, testWinograd) }

func testWinograd(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	for range 40 {
		size := func() (in, pad, end, out int) {
			in, pad, end = 3+r.IntN(14), r.IntN(3), r.IntN(3)
			return in, pad, end, in + pad + end - 2
		}
		w := &Window{Kernel: []int{3, 3}, Stride: []int{1, 1}, Dilation: []int{1, 1}}
		for range 2 {
			in, pad, end, out := size()
			w.In, w.PadBegin, w.PadEnd, w.Out = append(w.In, in), append(w.PadBegin, pad), append(w.PadEnd, end), append(w.Out, out)
		}
		in, out, images := 8+r.IntN(60), 8+r.IntN(60), 1+r.IntN(5)
		relu := r.IntN(2) == 0
		t.Run(fmt.Sprintf("%v %d to %d, %d images, relu %v", w, in, out, images, relu), func(t *testing.T) {
			c := NewConvLast[float32](w, in, out, relu, 1, false)
			if c.fast == nil && w.Out[0] > 2 && w.Out[1] > 2 {
				t.Fatal("does not go by Winograd's filtering")
			}
			checkConvLast[float32](t, r, w, in, out, images, relu, false, 3e-6)
			checkConvLast[float64](t, r, w, in, out, min(images, 2), relu, false, 1e-12)
		})
	}
}

// The rounding error of Winograd's filtering stays below 5e-6 of the result (root
// mean square), that of direct sums below 1e-6.
func TestWinogradError(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	for _, c := range []struct{ channels, size int }{{16, 32}, {64, 16}, {128, 8}, {256, 8}} {
		two := func(v int) []int { return []int{v, v} }
		w := &Window{Kernel: two(3), Stride: two(1), Dilation: two(1), PadBegin: two(1), PadEnd: two(1), In: two(c.size), Out: two(c.size)}
		x, k := make([]float32, c.channels*w.InLen()), make([]float32, c.channels*c.channels*9)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		for i := range k {
			k[i] = float32(r.NormFloat64() / math.Sqrt(float64(9*c.channels)))
		}
		widen := func(x []float32) []float64 {
			f := make([]float64, len(x))
			for i, v := range x {
				f[i] = float64(v)
			}
			return f
		}
		y, bias := make([]float32, len(x)), make([]float32, c.channels)
		want, _, _, _ := definition(w, c.channels, c.channels, 1, false, widen(x), widen(k), widen(bias), make([]float64, len(x)))
		rms := func(filter bool) float64 {
			conv := newConvLast[float32](w, c.channels, c.channels, false, 1, filter, false)
			conv.Forward(0, true, y, x, k, bias, 1, make([]float32, conv.Scratch()))
			var e, s float64
			for i, v := range y {
				e += (float64(v) - want[i]) * (float64(v) - want[i])
				s += want[i] * want[i]
			}
			return math.Sqrt(e / s)
		}
		filtered, direct := rms(true), rms(false)
		t.Logf("%d channels, %dx%d: %.1e filtered, %.1e direct", c.channels, c.size, c.size, filtered, direct)
		if filtered > 5e-6 || direct > 1e-6 {
			t.Errorf("%d channels: the error is %.1e filtered, %.1e direct", c.channels, filtered, direct)
		}
	}
}
