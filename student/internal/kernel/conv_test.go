// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// guarded is a slice of n random elements between NaNs.
func guarded[T Float](r *rand.Rand, n int) []T {
	all := make([]T, n+2*guard)
	Fill(all, T(math.NaN()))
	x := all[guard : guard+n : guard+n]
	copy(x, random[T](r, n))
	return x
}

// unguarded is a slice of guarded with its guards.
func unguarded[T Float](x []T) []T {
	var element T
	begin := (*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), -guard*int(unsafe.Sizeof(element))))
	return unsafe.Slice(begin, len(x)+2*guard)
}

// convGeometry lists windows over planes large enough for views.
func convGeometry() (all []*Window) {
	r := rand.New(rand.NewPCG(21, 22))
	for range 400 {
		w := &Window{}
		for range 2 {
			k, s, d, p, q, in := 1+r.IntN(5), 1+r.IntN(3), 1+r.IntN(2), r.IntN(4), r.IntN(4), 1+r.IntN(24)
			if in+p+q <= d*(k-1) {
				continue
			}
			w.Kernel, w.Stride, w.Dilation = append(w.Kernel, k), append(w.Stride, s), append(w.Dilation, d)
			w.PadBegin, w.PadEnd, w.In = append(w.PadBegin, p), append(w.PadEnd, q), append(w.In, in)
			w.Out = append(w.Out, (in+p+q-d*(k-1)-1)/s+1+r.IntN(2))
		}
		if len(w.In) > 0 {
			all = append(all, w)
		}
	}
	square := func(size, k, stride int) *Window {
		two := func(v int) []int { return []int{v, v} }
		pad := (k - 1) / 2
		return &Window{Kernel: two(k), Stride: two(stride), Dilation: two(1), PadBegin: two(pad), PadEnd: two(pad), In: two(size), Out: two((size+2*pad-k)/stride + 1)}
	}
	return append(all, square(28, 3, 1), square(28, 3, 2), square(14, 3, 2), square(14, 5, 1), square(70, 3, 1), square(71, 3, 2))
}

// checkConv compares a convolution and its gradients with the definition.
func checkConv[T Float](t *testing.T, r *rand.Rand, w *Window, groups, in, out, images int, eps float64) bool {
	c := NewConv[T](w, groups, in, out)
	if c == nil {
		return false
	}
	inLen, outLen, taps := w.InLen(), w.OutLen(), w.Taps()
	x, k, bias := guarded[T](r, images*groups*in*inLen), guarded[T](r, groups*out*in*taps), guarded[T](r, groups*out)
	dy := guarded[T](r, images*groups*out*outLen)
	y, dx, dw := guarded[T](r, len(dy)), guarded[T](r, len(x)), guarded[T](r, len(k))
	widen := func(x []T) []float64 {
		f := make([]float64, len(x))
		for i, v := range x {
			f[i] = float64(v)
		}
		return f
	}
	want, wantX, wantW := make([]float64, len(y)), widen(dx), widen(dw)
	pairs := w.pairs()
	for i := range images {
		for m := range groups * out {
			o := (i*groups*out + m) * outLen
			for p := range outLen {
				want[o+p] = float64(bias[m])
			}
			for ch := range in {
				kk, xx := (m*in+ch)*taps, ((i*groups+m/out)*in+ch)*inLen
				for _, p := range pairs {
					if p.in >= 0 {
						want[o+p.out] += float64(k[kk+p.tap]) * float64(x[xx+p.in])
						wantX[xx+p.in] += float64(k[kk+p.tap]) * float64(dy[o+p.out])
						wantW[kk+p.tap] += float64(x[xx+p.in]) * float64(dy[o+p.out])
					}
				}
			}
		}
	}
	scratch := guarded[T](r, c.Scratch())
	again := func(run func()) {
		Fill(scratch, T(math.NaN()))
		run()
	}
	check := func(what string, got []T, want []float64) {
		t.Helper()
		for i := range want {
			if !(math.Abs(float64(got[i])-want[i]) <= eps*(4+math.Abs(want[i]))) {
				t.Fatalf("%s[%d] is %v, want %v", what, i, got[i], want[i])
			}
		}
	}
	again(func() { c.Forward(y, x, k, bias, images, scratch) })
	check("y", y, want)
	again(func() { c.Data(dx, dy, k, images, scratch) })
	check("dx", dx, wantX)
	again(func() { c.Weight(dw, x, dy, images, scratch) })
	check("dw", dw, wantW)
	// An image's bits do not depend on its company.
	first := slices.Clone(y[:len(y)/images])
	again(func() { c.Forward(y[:len(y)/images], x, k, bias, 1, scratch) })
	if !slices.Equal(first, y[:len(y)/images]) {
		t.Fatal("an image alone has another result")
	}
	again(func() { c.Forward(y, x, k, nil, images, scratch) })
	for i := range want {
		want[i] -= float64(bias[i/outLen%len(bias)])
	}
	check("y without bias", y, want)
	return true
}

func TestConv(t *testing.T) {
	kinds := []struct {
		name string
		run  func(t *testing.T, r *rand.Rand, w *Window, groups, in, out, images int) bool
	}{
		{"float32", func(t *testing.T, r *rand.Rand, w *Window, groups, in, out, images int) bool {
			return checkConv[float32](t, r, w, groups, in, out, images, 3e-6*math.Sqrt(float64(w.OutLen()+in*w.Taps())))
		}},
		{"float64", func(t *testing.T, r *rand.Rand, w *Window, groups, in, out, images int) bool {
			return checkConv[float64](t, r, w, groups, in, out, images, 1e-12)
		}},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			r, done := rand.New(rand.NewPCG(23, 24)), 0
			for i, w := range convGeometry() {
				t.Run(fmt.Sprintf("%d %v", i, w), func(t *testing.T) {
					if kind.run(t, r, w, 1+r.IntN(2), 1+r.IntN(7), 1+r.IntN(20), 1+r.IntN(3)) {
						done++
					}
				})
			}
			if done < 100 {
				t.Errorf("only %d windows went over views", done)
			}
		})
	}
}

// Where the planes are many, an output is cut into bands.
func TestConvBands(t *testing.T) {
	one, two := []int{1, 1}, []int{2, 2}
	for _, stride := range [][]int{one, two} {
		w := &Window{Kernel: []int{3, 3}, Stride: stride, Dilation: one, PadBegin: one, PadEnd: one, In: []int{40, 38}}
		w.Out = []int{(40-1)/stride[0] + 1, (38-1)/stride[1] + 1}
		r := rand.New(rand.NewPCG(25, 26))
		c := NewConv[float32](w, 1, 50, 40)
		if c.band >= w.Out[0] {
			t.Fatalf("one band of %d rows", c.band)
		}
		checkConv[float32](t, r, w, 1, 50, 40, 1, 1e-4)
	}
}

// The loops in vectors agree with the plain ones and write nothing else.
func TestConvLoops(t *testing.T) {
	if convs == nil {
		t.Skip("no vector loops here")
	}
	r := rand.New(rand.NewPCG(27, 28))
	nan := float32(math.NaN())
	both := func(t *testing.T, n int, eps float64, fast, plain func(dst []float32)) {
		t.Helper()
		got := make([]float32, n+2*guard)
		Fill(got, nan)
		copy(got[guard:], random[float32](r, n))
		want := slices.Clone(got)
		fast(got[guard : guard+n : guard+n])
		plain(want[guard : guard+n : guard+n])
		for i := range want {
			if d := math.Abs(float64(got[i] - want[i])); d > eps || (got[i] != got[i]) != (want[i] != want[i]) {
				t.Fatalf("element %d of %d is %v, want %v", i-guard, n, got[i], want[i])
			}
		}
	}
	off := func(n, room int) []int {
		o := make([]int, n)
		for i := range o {
			o[i] = r.IntN(room)
		}
		return o
	}
	plainly := func(run func()) {
		was := convs
		convs = nil
		run()
		convs = was
	}
	for rows := 1; rows <= viewRows; rows++ {
		for _, blocks := range []int{1, 2, 5, 8, 19} {
			for _, k := range []int{1, 2, 27} {
				t.Run(fmt.Sprintf("views %dx%dx%d", rows, blocks, k), func(t *testing.T) {
					ldc := blocks*viewBlock + r.IntN(9)
					a, img, o := guarded[float32](r, rows*k), guarded[float32](r, 50+blocks*viewBlock), off(k, 51)
					both(t, (rows-1)*ldc+blocks*viewBlock, 1e-5,
						func(c []float32) { views(rows, blocks, a, img, o, c, ldc) },
						func(c []float32) { viewsGo(rows, a, img, o, c, ldc, blocks*viewBlock) })
				})
			}
		}
		for _, size := range [][3]int{{1, 1, 0}, {3, 5, 0}, {7, 7, 1}, {2, 14, 3}} {
			t.Run(fmt.Sprintf("outer %d, %v", rows, size), func(t *testing.T) {
				y, x, skip := size[0], size[1], size[2]
				img, d, o := guarded[float32](r, 20+(y-1)*(x+skip)+x), guarded[float32](r, y*x*outerWidth), off(rows, 21)
				both(t, rows*outerWidth, 1e-5,
					func(acc []float32) { outer(y, x, skip, img, o, d, acc) },
					func(acc []float32) { outerGo(y, x, skip, img, o, d, acc) })
			})
		}
	}
	for rows := 1; rows <= dotsRows; rows++ {
		for _, n := range []int{8, 56, 224} {
			t.Run(fmt.Sprintf("dots %d of %d", rows, n), func(t *testing.T) {
				img, d, o := guarded[float32](r, 20+n), guarded[float32](r, n), off(rows, 21)
				both(t, rows, 1e-5,
					func(acc []float32) { dots(img, o, d, acc) },
					func(acc []float32) { dotsGo(img, o, d, acc) })
			})
		}
	}
	for width := 1; width <= 35; width++ {
		t.Run(fmt.Sprintf("rows of %d", width), func(t *testing.T) {
			rows := 1 + r.IntN(4)
			ds, ss := 2*width+r.IntN(3), 2*width+r.IntN(3)
			src, other := guarded[float32](r, (rows-1)*ss+2*width), guarded[float32](r, (rows-1)*ss+width)
			for _, run := range []func(dst []float32){
				func(dst []float32) { moveRows(rows, width, dst, ds, src, ss, 0.5) },
				func(dst []float32) { addRows(rows, width, dst, ds, src, ss) },
				func(dst []float32) { splitRows(rows, width, dst, dst[width:], ds, src, ss) },
				func(dst []float32) { mergeRows(rows, width, dst, ds, src, other, ss) },
			} {
				both(t, (rows-1)*ds+2*width, 0, run, func(dst []float32) { plainly(func() { run(dst) }) })
			}
		})
	}
}

// Convolutions allocate nothing.
func TestConvAllocations(t *testing.T) {
	w := convGeometry()[len(convGeometry())-3]
	c := NewConv[float32](w, 1, 4, 5)
	x, k, y := make([]float32, 4*w.InLen()), make([]float32, 20*w.Taps()), make([]float32, 5*w.OutLen())
	scratch := make([]float32, c.Scratch())
	for name, run := range map[string]func(){
		"Forward": func() { c.Forward(y, x, k, nil, 1, scratch) },
		"Data":    func() { c.Data(x, y, k, 1, scratch) },
		"Weight":  func() { c.Weight(k, x, y, 1, scratch) },
	} {
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}
