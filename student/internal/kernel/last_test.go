// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachWidth runs a test with the loops of every width that this machine has, and with
// the plain ones.
func eachWidth(t *testing.T, test func(t *testing.T)) {
	was := lastWidth
	defer func() { lastWidth = was }()
	for _, width := range []int{0, 8, 16} {
		if width <= was {
			lastWidth = width
			t.Run(fmt.Sprintf("vectors of %d", width), test)
		}
	}
}

// lastGeometry lists windows of two dimensions.
func lastGeometry() (all []*Window) {
	for _, w := range convGeometry() {
		if len(w.In) == 2 {
			all = append(all, w)
		}
	}
	return all
}

// agree fails where got differs from want.
func agree[T Float](t *testing.T, what string, got []T, want []float64, eps float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i])-want[i]) <= eps*(4+math.Abs(want[i]))) && float64(got[i]) != want[i] {
			t.Fatalf("%s[%d] is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// intact fails where one of the slices that guarded made has lost a guard.
func intact[T Float](t *testing.T, all ...[]T) {
	t.Helper()
	for j, x := range all {
		if len(x) == 0 {
			continue // an empty slice does not say where it is
		}
		whole := unguarded(x)
		for i, v := range whole {
			if (i < guard || i >= len(whole)-guard) && v == v {
				t.Fatalf("slice %d is written at %d", j, i-guard)
			}
		}
	}
}

func checkDepthwiseLast[T Float](t *testing.T, r *rand.Rand, w *Window, channels int, eps float64) {
	d := NewDepthwiseLast[T](w, channels)
	in, out, taps := w.InLen(), w.OutLen(), w.Taps()
	x, k, bias, dy := guarded[T](r, in*channels), guarded[T](r, channels*taps), guarded[T](r, channels), guarded[T](r, out*channels)
	y, dx, dw, packed := guarded[T](r, len(dy)), guarded[T](r, len(x)), guarded[T](r, len(k)), guarded[T](r, len(k))
	want, wantX, wantW := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(k))
	for i := range want {
		want[i] = float64(bias[i%channels])
	}
	for _, p := range w.pairs() {
		if p.in < 0 {
			continue
		}
		for c := range channels {
			want[p.out*channels+c] += float64(k[c*taps+p.tap]) * float64(x[p.in*channels+c])
			wantX[p.in*channels+c] += float64(k[c*taps+p.tap]) * float64(dy[p.out*channels+c])
			wantW[c*taps+p.tap] += float64(x[p.in*channels+c]) * float64(dy[p.out*channels+c])
		}
	}
	ahead := &Ahead[T]{}
	for _, x := range [][]T{x, nil, k, dy, bias, x} {
		ahead.Want(x)
	}
	d.Pack(packed, k)
	d.Forward(y, x, packed, bias, nil)
	agree(t, "y", y, want, eps)
	set := guarded[T](r, len(x))
	d.Data(set, dy, packed, false, ahead)
	agree(t, "dx", set, wantX, eps)
	for i := range wantX {
		wantX[i] += float64(dx[i])
	}
	d.Data(dx, dy, packed, true, nil)
	agree(t, "dx added to", dx, wantX, eps)
	clear(packed)
	d.Weight(packed, x, dy, ahead)
	for i := range wantW {
		wantW[i] += float64(dw[i])
	}
	d.Unpack(dw, packed)
	agree(t, "dw", dw, wantW, eps)
	for i := range want {
		want[i] -= float64(bias[i%channels])
	}
	d.Pack(packed, k)
	d.Forward(y, x, packed, nil, ahead)
	agree(t, "y without bias", y, want, eps)
	intact(t, y, dx, set, dw, packed)
}

func TestDepthwiseLast(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for i, w := range lastGeometry() {
		if i%2 > 0 {
			continue
		}
		t.Run(fmt.Sprintf("%d %v", i, w), func(t *testing.T) {
			channels := 1 + r.IntN(40)
			checkDepthwiseLast[float64](t, r, w, channels, 1e-12)
			eachWidth(t, func(t *testing.T) {
				checkDepthwiseLast[float32](t, r, w, channels, 2e-6*math.Sqrt(float64(w.OutLen()+w.Taps())))
			})
		})
	}
}

func checkPoolsLast[T Float](t *testing.T, r *rand.Rand, w *Window, channels int, includePad bool, eps float64) {
	x, dy := guarded[T](r, w.InLen()*channels), guarded[T](r, w.OutLen()*channels)
	y, arg, dx := guarded[T](r, len(dy)), guarded[T](r, len(dy)), guarded[T](r, len(x))
	// The loops over planes are the definition: a channel after the other.
	plane := func(a []T, n, c int) []float64 {
		p := make([]float64, n)
		for i := range p {
			p[i] = float64(a[i*channels+c])
		}
		return p
	}
	put := func(a []float64, p []float64, c int) {
		for i, v := range p {
			a[i*channels+c] = v
		}
	}
	wantMax, wantMean := make([]float64, len(y)), make([]float64, len(y))
	maxGrad, meanGrad := make([]float64, len(x)), make([]float64, len(x))
	for c := range channels {
		px, pd := plane(x, w.InLen(), c), plane(dy, w.OutLen(), c)
		py, win := make([]float64, w.OutLen()), make([]float64, w.OutLen())
		MaxPool(py, win, px, w)
		put(wantMax, py, c)
		g := make([]float64, w.InLen())
		MaxPoolGrad(g, pd, win)
		put(maxGrad, g, c)
		AveragePool(py, px, w, includePad)
		put(wantMean, py, c)
		clear(g)
		AveragePoolGrad(g, pd, w, includePad)
		put(meanGrad, g, c)
	}
	added := func(g []float64) []float64 {
		sum := slices.Clone(g)
		for i := range sum {
			sum[i] += float64(dx[i])
		}
		return sum
	}
	m := NewMaxLast[T](w, channels)
	m.Forward(y, nil, x)
	agree(t, "maxima", y, wantMax, 0)
	Fill(y, 0)
	m.Forward(y, arg, x)
	agree(t, "maxima", y, wantMax, 0)
	want := added(maxGrad)
	m.Grad(dx, dy, arg, true)
	agree(t, "gradient of maxima", dx, want, eps)
	if m.Covers() {
		Fill(dx, 7)
		m.Grad(dx, dy, arg, false)
		agree(t, "gradient of maxima", dx, maxGrad, eps)
	}
	a := NewAverageLast[T](w, channels, includePad)
	a.Forward(y, x)
	agree(t, "means", y, wantMean, eps)
	want = added(meanGrad)
	a.Grad(dx, dy, true)
	agree(t, "gradient of means", dx, want, eps)
	a.Grad(dx, dy, false)
	agree(t, "gradient of means", dx, meanGrad, eps)
	intact(t, y, arg, dx)
}

func TestPoolsLast(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	for i, w := range lastGeometry() {
		if i%4 > 0 {
			continue
		}
		t.Run(fmt.Sprintf("%d %v", i, w), func(t *testing.T) {
			channels := 1 + r.IntN(40)
			checkPoolsLast[float64](t, r, w, channels, i%2 == 0, 1e-12)
			eachWidth(t, func(t *testing.T) { checkPoolsLast[float32](t, r, w, channels, i%2 == 0, 1e-6) })
		})
	}
}

// checkRowsLast compares the loops over rows with their definitions.
func checkRowsLast[T Float](t *testing.T, r *rand.Rand, n, cols int, eps float64) {
	x, d, y := guarded[T](r, n), guarded[T](r, n), guarded[T](r, n)
	row := func() []T { return guarded[T](r, cols) }
	a, b, o, s1, s2 := row(), row(), row(), row(), row()
	lo, hi := T(-0.3), T(0.4)
	col := func(v []T, i int) float64 { return float64(v[i%cols]) }
	clip := func(v float64) float64 { return min(max(v, float64(lo)), float64(hi)) }

	want1, want2 := widened(s1), widened(s2)
	for i := range n {
		want1[i%cols] += float64(x[i])
	}
	SumRows(s1, x)
	agree(t, "sums", s1, want1, eps)
	want1 = widened(s1)
	for i := range n {
		v := float64(x[i]) - col(o, i)
		want1[i%cols] += v
		want2[i%cols] += v * v
	}
	Moments(s1, s2, x, o)
	agree(t, "moments", s1, want1, eps)
	agree(t, "moments", s2, want2, eps)

	in, want := make([]float64, n), make([]float64, n)
	for i := range n {
		in[i] = col(a, i)*float64(x[i]) + col(b, i)
		want[i] = clip(in[i] + float64(d[i]))
	}
	Affine(y, x, d, a, b, lo, hi)
	agree(t, "affine", y, want, eps)
	for i := range want {
		want[i] = clip(in[i])
	}
	Affine(y, x, nil, a, b, lo, hi)
	agree(t, "affine", y, want, eps)

	for name, p := range map[string]Passed[T]{"all": {}, "by input": {Lo: lo, Hi: hi, A: a, B: b}, "by output": {Lo: lo, Hi: hi, Out: y}} {
		want1, want2 = widened(s1), widened(s2)
		dx := guarded[T](r, n)
		added := widened(dx)
		for i := range n {
			g := float64(d[i])
			if name != "all" && (y[i] <= lo || y[i] >= hi) {
				g = 0
			}
			want1[i%cols] += g
			want2[i%cols] += g * (float64(x[i]) - col(o, i))
			want[i] = col(a, i)*g + col(b, i)*float64(x[i]) + col(o, i)
			added[i] += want[i]
		}
		GradSums(s1, s2, d, x, o, p)
		agree(t, "sums of gradients, "+name, s1, want1, eps)
		agree(t, "sums of gradients, "+name, s2, want2, eps)
		GradData(dx, d, x, a, b, o, p, true)
		agree(t, "gradients added to, "+name, dx, added, eps)
		GradData(dx, d, x, a, b, o, p, false)
		agree(t, "gradients, "+name, dx, want, eps)
		intact(t, dx, s1, s2)
	}
	intact(t, y)
}

func widened[T Float](x []T) []float64 {
	f := make([]float64, len(x))
	for i, v := range x {
		f[i] = float64(v)
	}
	return f
}

func TestRowsLast(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	for _, cols := range []int{1, 3, 7, 8, 15, 16, 17, 24, 32, 45, 64, 100} {
		for _, rows := range []int{0, 1, 2, 3, 4, 5, 11} {
			for _, rest := range []int{0, 1, cols / 2, cols - 1} {
				if rest >= cols {
					continue
				}
				t.Run(fmt.Sprintf("%dx%d and %d", rows, cols, rest), func(t *testing.T) {
					checkRowsLast[float64](t, r, rows*cols+rest, cols, 1e-13)
					eachWidth(t, func(t *testing.T) { checkRowsLast[float32](t, r, rows*cols+rest, cols, 1e-5) })
				})
			}
		}
	}
}

// NaN is neither lost nor passed on to other columns.
func TestRowsLastNaN(t *testing.T) {
	eachWidth(t, func(t *testing.T) {
		x, one, zero := make([]float32, 40), make([]float32, 20), make([]float32, 20)
		Fill(one, 1)
		x[21] = float32(math.NaN())
		y := make([]float32, 40)
		Affine(y, x, nil, one, zero, -1, 1)
		for i, v := range y {
			if (v != v) != (i == 21) {
				t.Fatalf("element %d is %v", i, v)
			}
		}
	})
}

// The loops allocate nothing.
func TestLastAllocations(t *testing.T) {
	w := convGeometry()[len(convGeometry())-3]
	const c = 20
	d, m, a := NewDepthwiseLast[float32](w, c), NewMaxLast[float32](w, c), NewAverageLast[float32](w, c, false)
	x, y, arg := make([]float32, c*w.InLen()), make([]float32, c*w.OutLen()), make([]float32, c*w.OutLen())
	k, s1, s2 := make([]float32, d.Packed()), make([]float32, c), make([]float32, c)
	ahead := &Ahead[float32]{}
	for name, run := range map[string]func(){
		"convolution":          func() { d.Forward(y, x, k, s1, ahead) },
		"gradient of data":     func() { d.Data(x, y, k, true, ahead) },
		"gradient of weights":  func() { d.Weight(k, x, y, ahead) },
		"maxima":               func() { m.Forward(y, arg, x) },
		"gradient of maxima":   func() { m.Grad(x, y, arg, true) },
		"means":                func() { a.Forward(y, x) },
		"gradient of means":    func() { a.Grad(x, y, true) },
		"moments":              func() { Moments(s1, s2, x, s1) },
		"affine":               func() { Affine(x, x, x, s1, s2, -1, 1) },
		"sums of gradients":    func() { GradSums(s1, s2, x, x, s1, Passed[float32]{A: s1, B: s2}) },
		"gradients of a batch": func() { GradData(x, x, x, s1, s2, s1, Passed[float32]{Out: x}, true) },
	} {
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}
