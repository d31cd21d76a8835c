// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// geometry returns the same windows every time: of one to three dimensions,
// with strides, dilations, uneven padding and windows that hang over the end.
func geometry() (all []*Window) {
	r := rand.New(rand.NewPCG(11, 12))
	add := func(k, s, d, p, q, in []int, over int) {
		w := &Window{Kernel: k, Stride: s, Dilation: d, PadBegin: p, PadEnd: q, In: in, Out: make([]int, len(k))}
		for i := range k {
			span := in[i] + p[i] + q[i] - d[i]*(k[i]-1) - 1
			if span < 0 {
				return
			}
			w.Out[i] = span/s[i] + 1 + over
		}
		all = append(all, w)
	}
	two := func(v int) []int { return []int{v, v} }
	for _, size := range []int{5, 14} {
		add(two(3), two(1), two(1), two(1), two(1), two(size), 0)
		add(two(3), two(2), two(1), two(1), two(1), two(size), 0)
		add(two(5), two(1), two(1), two(2), two(2), two(size), 0)
		add(two(2), two(2), two(1), two(0), two(0), two(size), 1)
		add(two(1), two(1), two(1), two(0), two(0), two(size), 0)
		add([]int{1, 9}, two(1), two(1), []int{0, 4}, []int{0, 4}, []int{size, 3}, 0)
	}
	for i := 0; i < 150; i++ {
		n := 1 + i%3
		draw := func(lo, hi int) []int {
			v := make([]int, n)
			for j := range v {
				v[j] = lo + r.IntN(hi-lo+1)
			}
			return v
		}
		add(draw(1, 4), draw(1, 3), draw(1, 2), draw(0, 3), draw(0, 3), draw(1, 9), r.IntN(2))
	}
	return all
}

func (w *Window) String() string {
	return fmt.Sprintf("kernel%v stride%v dilation%v pads%v%v in%v out%v", w.Kernel, w.Stride, w.Dilation, w.PadBegin, w.PadEnd, w.In, w.Out)
}

// pair is an output position and a tap that meet an input position, or padding:
// in is -1 there, and beyond says that it lies past the declared padding.
type pair struct {
	out, tap, in int
	beyond       bool
}

// pairs lists all of a window's pairs from the definition of Window.
func (w *Window) pairs() (all []pair) {
	for out := 0; out < w.OutLen(); out++ {
		for tap := 0; tap < w.Taps(); tap++ {
			o, t := unravel(out, w.Out), unravel(tap, w.Kernel)
			p := pair{out: out, tap: tap}
			inside := true
			for i := range o {
				at := o[i]*w.Stride[i] - w.PadBegin[i] + t[i]*w.Dilation[i]
				inside = inside && at >= 0 && at < w.In[i]
				p.beyond = p.beyond || at >= w.In[i]+w.PadEnd[i]
				p.in = p.in*w.In[i] + at
			}
			if !inside {
				p.in = -1
			}
			all = append(all, p)
		}
	}
	return all
}

func unravel(i int, dims []int) []int {
	at := make([]int, len(dims))
	for d := len(dims) - 1; d >= 0; d-- {
		at[d] = i % dims[d]
		i /= dims[d]
	}
	return at
}

func random[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.Float64()*2 - 1)
	}
	return x
}

// eachWindow runs a check in its own subtest for every window.
func eachWindow(t *testing.T, check func(t *testing.T, r *rand.Rand, w *Window)) {
	windows := geometry()
	if len(windows) < 100 {
		t.Fatalf("only %d windows", len(windows))
	}
	for i, w := range windows {
		t.Run(fmt.Sprintf("%d %v", i, w), func(t *testing.T) {
			check(t, rand.New(rand.NewPCG(uint64(i), 13)), w)
		})
	}
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-12*(1+math.Abs(want[i]))) && got[i] != want[i] {
			t.Fatalf("%s[%d] is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestIm2col(t *testing.T) {
	const channels = 3
	eachWindow(t, func(t *testing.T, r *rand.Rand, w *Window) {
		img := random[float64](r, channels*w.InLen())
		col := make([]float64, channels*w.Taps()*w.OutLen())
		want := slices.Clone(col)
		Fill(col, math.NaN())
		for c := 0; c < channels; c++ {
			for _, p := range w.pairs() {
				if p.in >= 0 {
					want[(c*w.Taps()+p.tap)*w.OutLen()+p.out] = img[c*w.InLen()+p.in]
				}
			}
		}
		Im2col(col, img, channels, w)
		near(t, "col", col, want)
	})
}

// Scattering is the adjoint of gathering: <Im2col(x), y> = <x, Col2im(y)>.
func TestCol2imAdjoint(t *testing.T) {
	const channels = 2
	eachWindow(t, func(t *testing.T, r *rand.Rand, w *Window) {
		x, y := random[float64](r, channels*w.InLen()), random[float64](r, channels*w.Taps()*w.OutLen())
		gathered, scattered := make([]float64, len(y)), make([]float64, len(x))
		Im2col(gathered, x, channels, w)
		Col2im(scattered, y, channels, w)
		if a, b := Dot(gathered, y), Dot(x, scattered); math.Abs(a-b) > 1e-11 {
			t.Errorf("<Im2col(x), y> is %v, <x, Col2im(y)> is %v", a, b)
		}
		Col2im(scattered, y, channels, w)
		if a, b := 2*Dot(gathered, y), Dot(x, scattered); math.Abs(a-b) > 1e-11 {
			t.Error("Col2im does not add")
		}
	})
}

func TestDepthwise(t *testing.T) {
	eachWindow(t, func(t *testing.T, r *rand.Rand, w *Window) {
		x, k, dy := random[float64](r, w.InLen()), random[float64](r, w.Taps()), random[float64](r, w.OutLen())
		dx, dk := random[float64](r, len(x)), random[float64](r, len(k))
		y, wantDx, wantDk := make([]float64, len(dy)), slices.Clone(dx), slices.Clone(dk)
		want := make([]float64, len(dy))
		Fill(want, 0.25)
		for _, p := range w.pairs() {
			if p.in >= 0 {
				want[p.out] += x[p.in] * k[p.tap]
				wantDx[p.in] += dy[p.out] * k[p.tap]
				wantDk[p.tap] += dy[p.out] * x[p.in]
			}
		}
		Depthwise(y, x, k, 0.25, w)
		DepthwiseData(dx, dy, k, w)
		DepthwiseWeight(dk, x, dy, w)
		near(t, "y", y, want)
		near(t, "dx", dx, wantDx)
		near(t, "dk", dk, wantDk)
	})
}

func TestMaxPool(t *testing.T) {
	eachWindow(t, func(t *testing.T, r *rand.Rand, w *Window) {
		x, dy, dx := random[float64](r, w.InLen()), random[float64](r, w.OutLen()), random[float64](r, w.InLen())
		for i := range x {
			x[i] = math.Round(x[i]*8) - 10 // equal values, all below zero
		}
		y, arg := make([]float64, len(dy)), make([]float64, len(dy))
		want, wantArg := make([]float64, len(dy)), make([]float64, len(dy))
		Fill(want, math.Inf(-1))
		Fill(wantArg, -1)
		for _, p := range w.pairs() {
			if p.in >= 0 && x[p.in] > want[p.out] {
				want[p.out], wantArg[p.out] = x[p.in], float64(p.in)
			}
		}
		wantDx := slices.Clone(dx)
		for o, i := range wantArg {
			if i >= 0 {
				wantDx[int(i)] += dy[o]
			}
		}
		MaxPool(y, arg, x, w)
		near(t, "y", y, want)
		near(t, "arg", arg, wantArg)
		MaxPoolGrad(dx, dy, arg)
		near(t, "dx", dx, wantDx)
		Fill(y, 0)
		MaxPool(y, nil, x, w)
		near(t, "y without arg", y, want)
	})
}

func TestMaxPoolNaN(t *testing.T) {
	w := &Window{Kernel: []int{3}, Stride: []int{1}, Dilation: []int{1}, PadBegin: []int{0}, PadEnd: []int{0}, In: []int{5}, Out: []int{3}}
	y, arg := make([]float32, 3), make([]float32, 3)
	MaxPool(y, arg, []float32{1, 2, float32(math.NaN()), 9, float32(math.Inf(-1))}, w)
	for i := range y {
		if y[i] == y[i] || arg[i] != 2 {
			t.Errorf("y[%d] is %v from %v, want NaN from 2", i, y[i], arg[i])
		}
	}
	MaxPool(y, arg, []float32{float32(math.Inf(-1)), float32(math.Inf(-1)), float32(math.Inf(-1)), 0, 0}, w)
	if arg[0] != 0 {
		t.Errorf("of infinities %v won, want the first", arg[0])
	}
}

func TestAveragePool(t *testing.T) {
	for _, includePad := range []bool{false, true} {
		t.Run(fmt.Sprintf("includePad=%v", includePad), func(t *testing.T) {
			eachWindow(t, func(t *testing.T, r *rand.Rand, w *Window) {
				x, dy, dx := random[float64](r, w.InLen()), random[float64](r, w.OutLen()), random[float64](r, w.InLen())
				y, want, wantDx := make([]float64, len(dy)), make([]float64, len(dy)), slices.Clone(dx)
				count := make([]float64, len(dy))
				for _, p := range w.pairs() {
					if p.in >= 0 || includePad && !p.beyond {
						count[p.out]++
					}
				}
				for _, p := range w.pairs() {
					if p.in >= 0 {
						want[p.out] += x[p.in] / count[p.out]
						wantDx[p.in] += dy[p.out] / count[p.out]
					}
				}
				AveragePool(y, x, w, includePad)
				AveragePoolGrad(dx, dy, w, includePad)
				near(t, "y", y, want)
				near(t, "dx", dx, wantDx)
			})
		})
	}
}

// Loops over windows allocate nothing.
func TestWindowAllocations(t *testing.T) {
	w := geometry()[0]
	x, y, k := make([]float32, w.InLen()), make([]float32, w.OutLen()), make([]float32, w.Taps())
	col, arg := make([]float32, w.Taps()*w.OutLen()), make([]float32, w.OutLen())
	for name, run := range map[string]func(){
		"Im2col":          func() { Im2col(col, x, 1, w) },
		"Col2im":          func() { Col2im(x, col, 1, w) },
		"Depthwise":       func() { Depthwise(y, x, k, 0, w) },
		"DepthwiseData":   func() { DepthwiseData(x, y, k, w) },
		"DepthwiseWeight": func() { DepthwiseWeight(k, x, y, w) },
		"MaxPool":         func() { MaxPool(y, arg, x, w) },
		"AveragePool":     func() { AveragePool(y, x, w, true) },
		"AveragePoolGrad": func() { AveragePoolGrad(x, y, w, true) },
	} {
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}

// A plane large enough to be pooled tap by tap treats NaN and infinity as a
// small one does.
func TestMaxPoolSpecialLarge(t *testing.T) {
	w := &Window{Kernel: []int{2}, Stride: []int{1}, Dilation: []int{1}, PadBegin: []int{1}, PadEnd: []int{0}, In: []int{60}, Out: []int{60}}
	x, y, arg := make([]float32, 60), make([]float32, 60), make([]float32, 60)
	for i := range x {
		x[i] = float32(i % 7)
	}
	for _, at := range []int{3, 20, 59} {
		x[at] = float32(math.NaN())
	}
	MaxPool(y, arg, x, w)
	for i := range y {
		from := max(i-1, 0)
		want := i
		if x[from] != x[from] || x[i] == x[i] && x[from] >= x[i] {
			want = from
		}
		if int(arg[i]) != want || math.Float32bits(y[i]) != math.Float32bits(x[want]) {
			t.Errorf("y[%d] is %v from %v, want %v from %d", i, y[i], arg[i], x[want], want)
		}
	}
	Fill(x[30:], float32(math.Inf(-1)))
	MaxPool(y, arg, x, w)
	if arg[40] != 39 || arg[0] != 0 {
		t.Errorf("of infinities %v won, want 39", arg[40])
	}
}
