// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// elementwise are the loops over slices: each reads and writes the four slices
// of a state, and has a definition for one element in float64.
var elementwise = []struct {
	name   string
	run32  func(s *state[float32])
	run64  func(s *state[float64])
	define func(a, b, c, d float64) (float64, float64, float64, float64)
}{
	{"Fill", runFill[float32], runFill[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return 0.5, b, c, d }},
	{"Scal", runScal[float32], runScal[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return a * 0.75, b, c, d }},
	{"Add", runAdd[float32], runAdd[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return a + b, b, c, d }},
	{"Axpy", runAxpy[float32], runAxpy[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return a - 1.25*b, b, c, d }},
	{"AddTo", runAddTo[float32], runAddTo[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return b + c, b, c, d }},
	{"MulTo", runMulTo[float32], runMulTo[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return b * c, b, c, d }},
	{"AddMul", runAddMul[float32], runAddMul[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return a + b*c, b, c, d }},
	{"AddScaled", runAddScaled[float32], runAddScaled[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return b + 0.375*c, b, c, d }},
	{"Normalize", runNormalize[float32], runNormalize[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return 1.5*(b-0.25) + 0.125, b, c, d
	}},
	{"NormalizeGrad", runNormalizeGrad[float32], runNormalizeGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + 1.5*(b-0.125-0.75*(c-0.25)), b, c, d
	}},
	{"Relu", runRelu[float32], runRelu[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return max(b, 0), b, c, d }},
	{"ReluGrad", runReluGrad[float32], runReluGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		if c > 0 {
			a += b
		}
		return a, b, c, d
	}},
	{"Clip", runClip[float32], runClip[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return min(max(b, -0.5), 0.25), b, c, d }},
	{"Between", runBetween[float32], runBetween[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return within(b, c, -0.5, 0.25), b, c, d
	}},
	{"AddBetween", runAddBetween[float32], runAddBetween[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + within(b, c, -0.5, 0.25), b, c, d
	}},
	{"Exp", runExp[float32], runExp[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return math.Exp(b), b, c, d }},
	{"Sigmoid", runSigmoid[float32], runSigmoid[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return sigmoid(b), b, c, d }},
	{"SigmoidGrad", runSigmoidGrad[float32], runSigmoidGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + b*c*(1-c), b, c, d
	}},
	{"Swish", runSwish[float32], runSwish[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return b * sigmoid(1.5*b), b, c, d }},
	{"SwishGrad", runSwishGrad[float32], runSwishGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		s := sigmoid(1.5 * c)
		return a + b*(s+1.5*c*s*(1-s)), b, c, d
	}},
	{"Tanh", runTanh[float32], runTanh[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return math.Tanh(b), b, c, d }},
	{"TanhGrad", runTanhGrad[float32], runTanhGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + b*(1-c*c), b, c, d
	}},
	{"Erf", runErf[float32], runErf[float64], func(a, b, c, d float64) (float64, float64, float64, float64) { return math.Erf(b), b, c, d }},
	{"ErfGrad", runErfGrad[float32], runErfGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + b*2/math.Sqrt(math.Pi)*math.Exp(-c*c), b, c, d
	}},
	{"Gelu", runGelu[float32], runGelu[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return b * (1 + math.Erf(b/math.Sqrt2)) / 2, b, c, d
	}},
	{"GeluGrad", runGeluGrad[float32], runGeluGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + b*((1+math.Erf(c/math.Sqrt2))/2+c*math.Exp(-c*c/2)/math.Sqrt(2*math.Pi)), b, c, d
	}},
	{"GeluTanh", runGeluTanh[float32], runGeluTanh[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return b / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(b+0.044715*b*b*b))), b, c, d
	}},
	{"GeluTanhGrad", runGeluTanhGrad[float32], runGeluTanhGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		t := math.Tanh(math.Sqrt(2/math.Pi) * (c + 0.044715*c*c*c))
		return a + b*((1+t)/2+c/2*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*0.044715*c*c)), b, c, d
	}},
	{"ClipGrad", runClipGrad[float32], runClipGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		if c >= -0.25 && c <= 0.5 {
			a += b
		}
		return a, b, c, d
	}},
	{"LeakyRelu", runLeakyRelu[float32], runLeakyRelu[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return max(b, 0) + 0.125*min(b, 0), b, c, d
	}},
	{"LeakyReluGrad", runLeakyReluGrad[float32], runLeakyReluGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		if c < 0 {
			return a + 0.125*b, b, c, d
		}
		return a + b, b, c, d
	}},
	{"HardSigmoid", runHardSigmoid[float32], runHardSigmoid[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return min(max(0.75*b+0.5, 0), 1), b, c, d
	}},
	{"HardSigmoidGrad", runHardSigmoidGrad[float32], runHardSigmoidGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		if l := 0.75*c + 0.5; l > 0 && l < 1 {
			a += 0.75 * b
		}
		return a, b, c, d
	}},
	{"HardSwish", runHardSwish[float32], runHardSwish[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return b * min(max(b/6+0.5, 0), 1), b, c, d
	}},
	{"HardSwishGrad", runHardSwishGrad[float32], runHardSwishGrad[float64], func(a, b, c, d float64) (float64, float64, float64, float64) {
		return a + b*(c/3+0.5), b, c, d
	}},
	{"RowSoftmax", runRowSoftmax[float32], runRowSoftmax[float64], nil},
	{"RowSoftmaxGrad", runRowSoftmaxGrad[float32], runRowSoftmaxGrad[float64], nil},
	{"AdamW", runAdamW[float32], runAdamW[float64], func(w, g, m, v float64) (float64, float64, float64, float64) {
		m = 0.9*m + 0.1*g
		v = 0.99*v + 0.01*g*g
		w -= 0.01 * 0.5 * w
		w -= 0.01 * (m / 0.19) / (math.Sqrt(v/0.0199) + 1e-8)
		return w, g, m, v
	}},
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// state is what an elementwise loop works on; d is not negative.
type state[T Float] struct{ a, b, c, d []T }

func runFill[T Float](s *state[T])        { Fill(s.a, 0.5) }
func runClip[T Float](s *state[T])        { Clip(s.a, s.b, -0.5, 0.25) }
func runBetween[T Float](s *state[T])     { Between(s.a, s.b, s.c, -0.5, 0.25) }
func runAddBetween[T Float](s *state[T])  { AddBetween(s.a, s.b, s.c, -0.5, 0.25) }
func runScal[T Float](s *state[T])        { Scal(s.a, 0.75) }
func runAdd[T Float](s *state[T])         { Add(s.a, s.b) }
func runAxpy[T Float](s *state[T])        { Axpy(s.a, -1.25, s.b) }
func runAddTo[T Float](s *state[T])       { AddTo(s.a, s.b, s.c) }
func runMulTo[T Float](s *state[T])       { MulTo(s.a, s.b, s.c) }
func runAddMul[T Float](s *state[T])      { AddMul(s.a, s.b, s.c) }
func runAddScaled[T Float](s *state[T])   { AddScaled(s.a, s.b, 0.375, s.c) }
func runRelu[T Float](s *state[T])        { Relu(s.a, s.b) }
func runReluGrad[T Float](s *state[T])    { ReluGrad(s.a, s.b, s.c) }
func runExp[T Float](s *state[T])         { Exp(s.a, s.b) }
func runSigmoid[T Float](s *state[T])     { Sigmoid(s.a, s.b) }
func runSigmoidGrad[T Float](s *state[T]) { SigmoidGrad(s.a, s.b, s.c) }
func runSwish[T Float](s *state[T])       { Swish(s.a, s.b, 1.5) }
func runSwishGrad[T Float](s *state[T])   { SwishGrad(s.a, s.b, s.c, 1.5) }
func runTanh[T Float](s *state[T])        { Tanh(s.a, s.b) }
func runTanhGrad[T Float](s *state[T])    { TanhGrad(s.a, s.b, s.c) }
func runErf[T Float](s *state[T])         { Erf(s.a, s.b) }
func runErfGrad[T Float](s *state[T])     { ErfGrad(s.a, s.b, s.c) }
func runGelu[T Float](s *state[T])        { Gelu(s.a, s.b) }
func runGeluGrad[T Float](s *state[T])    { GeluGrad(s.a, s.b, s.c) }
func runGeluTanh[T Float](s *state[T])    { GeluTanh(s.a, s.b) }
func runGeluTanhGrad[T Float](s *state[T]) {
	GeluTanhGrad(s.a, s.b, s.c)
}
func runClipGrad[T Float](s *state[T])      { ClipGrad(s.a, s.b, s.c, -0.25, 0.5) }
func runLeakyRelu[T Float](s *state[T])     { LeakyRelu(s.a, s.b, 0.125) }
func runLeakyReluGrad[T Float](s *state[T]) { LeakyReluGrad(s.a, s.b, s.c, 0.125) }
func runHardSigmoid[T Float](s *state[T])   { HardSigmoid(s.a, s.b, 0.75, 0.5) }
func runHardSigmoidGrad[T Float](s *state[T]) {
	HardSigmoidGrad(s.a, s.b, s.c, 0.75, 0.5)
}
func runHardSwish[T Float](s *state[T])     { HardSwish(s.a, s.b) }
func runHardSwishGrad[T Float](s *state[T]) { HardSwishGrad(s.a, s.b, s.c) }
func runRowSoftmax[T Float](s *state[T])    { RowSoftmax(s.a, s.b, 1, len(s.b)) }
func runRowSoftmaxGrad[T Float](s *state[T]) {
	RowSoftmaxGrad(s.a, s.b, s.d, 1, len(s.b))
}
func runNormalize[T Float](s *state[T]) { Normalize(s.a, s.b, 0.25, 1.5, 0.125) }
func runNormalizeGrad[T Float](s *state[T]) {
	NormalizeGrad(s.a, s.b, s.c, 0.25, 1.5, 0.125, 0.75)
}
func runAdamW[T Float](s *state[T]) {
	AdamW(s.a, s.b, s.c, s.d, 0.01, 0.9, 0.99, 1e-8, 0.5, 0.19, 0.0199)
}

// newState fills n elements of each slice and puts NaN around them.
func newState[T Float](seed uint64, n int) (s *state[T], whole [4][]T) {
	r := rand.New(rand.NewPCG(seed, 21))
	for i := range whole {
		whole[i] = make([]T, n+2*guard)
		Fill(whole[i], T(math.NaN()))
		for j := range whole[i][guard : guard+n] {
			whole[i][guard+j] = T(r.Float64()*2 - 1)
			if i == 3 {
				whole[i][guard+j] = T(r.Float64())
			}
		}
	}
	cut := func(i int) []T { return whole[i][guard : guard+n : guard+n] }
	return &state[T]{cut(0), cut(1), cut(2), cut(3)}, whole
}

func checkElementwise[T Float](t *testing.T, n int, eps float64, run func(*state[T]), define func(a, b, c, d float64) (float64, float64, float64, float64)) [4][]T {
	t.Helper()
	s, whole := newState[T](uint64(n), n)
	old, _ := newState[T](uint64(n), n)
	run(s)
	for i := 0; i < n && define != nil; i++ {
		var want [4]float64
		want[0], want[1], want[2], want[3] = define(float64(old.a[i]), float64(old.b[i]), float64(old.c[i]), float64(old.d[i]))
		for j, got := range []T{s.a[i], s.b[i], s.c[i], s.d[i]} {
			if !(math.Abs(float64(got)-want[j]) <= eps*(1+math.Abs(want[j]))) {
				t.Fatalf("length %d: slice %d, element %d is %v, want %v", n, j, i, got, want[j])
			}
		}
	}
	for j, w := range whole {
		for i, v := range w {
			if (i < guard || i >= guard+n) && v == v {
				t.Fatalf("length %d: slice %d written at %d", n, j, i-guard)
			}
		}
	}
	return whole
}

func TestElementwise(t *testing.T) {
	lengths := []int{100, 1000}
	for n := 0; n < 75; n++ {
		lengths = append(lengths, n)
	}
	for _, c := range elementwise {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range lengths {
				checkElementwise(t, n, 0x1p-48, c.run64, c.define)
				saved := vectors
				vectors = nil
				plain := checkElementwise(t, n, 0x1p-20, c.run32, c.define)
				for _, vectors = range vectorSets {
					quick := checkElementwise(t, n, 0x1p-20, c.run32, c.define)
					for j := range quick {
						if i := differ(quick[j], plain[j]); i >= 0 {
							t.Fatalf("length %d: slice %d, element %d is %v in %s, %v plain", n, j, i-guard, quick[j][i], vectors.name, plain[j][i])
						}
					}
				}
				vectors = saved
			}
			s, _ := newState[float32](1, 100)
			if n := testing.AllocsPerRun(10, func() { c.run32(s) }); n != 0 {
				t.Errorf("%v allocations a call", n)
			}
		})
	}
}

func TestReluSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	x := slices.Repeat([]float32{-inf, inf, -0.5, 3}, 5)
	want := slices.Repeat([]float32{0, inf, 0, 3}, 5)
	y := make([]float32, len(x))
	Relu(y, x)
	if i := differ(y, want); i >= 0 {
		t.Errorf("Relu(%v) is %v", x[i], y[i])
	}
	Fill(x, float32(math.NaN()))
	Relu(y, x)
	for i, v := range y {
		if v == v {
			t.Errorf("element %d of the Relu of NaN is %v", i, v)
		}
	}
}

func TestExpRange(t *testing.T) {
	var x []float32
	for v := float32(-110); v < 95; v += 0.0137 {
		x = append(x, v)
	}
	y := make([]float32, len(x))
	Exp(y, x)
	for i, v := range x {
		want := math.Exp(float64(v))
		ulp := float64(math.Nextafter32(float32(want), float32(math.Inf(1)))) - float64(float32(want))
		switch {
		case want > math.MaxFloat32:
			if !math.IsInf(float64(y[i]), 1) {
				t.Fatalf("exp(%v) is %v, want infinity", v, y[i])
			}
		case math.Abs(float64(y[i])-want) > 2*ulp:
			t.Fatalf("exp(%v) is %v, want %v", v, y[i], want)
		}
	}
	for i := range x {
		x[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}[i%4]
	}
	Exp(y, x)
	for i := range y {
		want := math.Exp(float64(x[i]))
		if got := float64(y[i]); got != want && !(got != got && want != want) {
			t.Fatalf("exp(%v) is %v", x[i], got)
		}
	}
}

// Over the whole range every set has the bits of the plain functions, which lie
// within a few units in the last place of the true ones.
func TestActivationRange(t *testing.T) {
	var x []float32
	for v := float32(-14); v < 14; v += 0.00137 {
		x = append(x, v)
	}
	for _, v := range []float32{0, 1e-30, 1e-10, 1e-4, 20, 80, 300, 1e10, 1e20} {
		x = append(x, v, -v)
	}
	for len(x)%8 != 0 {
		x = append(x, 1)
	}
	phi := func(v float64) float64 { return math.Erfc(-v/math.Sqrt2) / 2 }
	for _, c := range []struct {
		name   string
		run    func(y, x []float32)
		define func(float64) float64
		eps    float64 // relative, or where negative, of the argument
	}{
		{"Tanh", Tanh[float32], math.Tanh, 3 * 0x1p-23},
		{"Erf", Erf[float32], math.Erf, 4 * 0x1p-23},
		{"Sigmoid", Sigmoid[float32], sigmoid, 4 * 0x1p-23},
		{"Gelu", Gelu[float32], func(v float64) float64 { return v * phi(v) }, 0x1p-14},
		{"HardSwish", HardSwish[float32], func(v float64) float64 { return v * min(max(v/6+0.5, 0), 1) }, -0x1p-20},
		{"HardSwishGrad", func(y, x []float32) { clear(y); HardSwishGrad(y, x, x) }, func(v float64) float64 {
			switch {
			case v <= -3:
				return 0
			case v >= 3:
				return v
			}
			return v * (v/3 + 0.5)
		}, -0x1p-20},
		{"Clip", func(y, x []float32) { Clip(y, x, -1, 6) }, func(v float64) float64 { return min(max(v, -1), 6) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			saved := vectors
			defer func() { vectors = saved }()
			vectors = nil
			plain := make([]float32, len(x))
			c.run(plain, x)
			for i, v := range x {
				want := c.define(float64(v))
				limit := c.eps * math.Abs(want)
				if c.eps < 0 {
					limit = -c.eps * math.Abs(float64(v))
				}
				if got := float64(plain[i]); !(math.Abs(got-want) <= limit+0x1p-126) {
					t.Fatalf("of %v it is %v, want %v", v, got, want)
				}
			}
			y := make([]float32, len(x))
			for _, vectors = range vectorSets {
				c.run(y, x)
				if i := differ(y, plain); i >= 0 {
					t.Fatalf("of %v it is %v in %s, %v plain", x[i], y[i], vectors.name, plain[i])
				}
			}
			nan := slices.Repeat([]float32{float32(math.NaN())}, 16)
			for _, vectors = range append(vectorSets, nil) {
				c.run(y[:16], nan)
				for _, v := range y[:16] {
					if v == v {
						t.Fatalf("of NaN it is %v", v)
					}
				}
			}
		})
	}
}

func TestReduce(t *testing.T) {
	for n := 0; n < 70; n++ {
		s, _ := newState[float32](uint64(n), n)
		var sum, dot float64
		for i := range s.a {
			sum += float64(s.a[i])
			dot += float64(s.a[i]) * float64(s.b[i])
		}
		if got := Sum(s.a); math.Abs(got-sum) > 1e-12 {
			t.Errorf("length %d: sum is %v, want %v", n, got, sum)
		}
		if got := Dot(s.a, s.b); math.Abs(got-dot) > 1e-12 {
			t.Errorf("length %d: product is %v, want %v", n, got, dot)
		}
	}
	// In float32 the ones would be lost.
	x := []float32{1e9, 1, 1, 1, 1, -1e9}
	if got := Sum(x); got != 4 {
		t.Errorf("sum is %v, want 4", got)
	}
	if got := Dot(x, []float32{1, 1, 1, 1, 1, 1}); got != 4 {
		t.Errorf("product is %v, want 4", got)
	}
}

func TestTranspose2D(t *testing.T) {
	for _, size := range [][2]int{{0, 3}, {1, 1}, {1, 40}, {16, 16}, {17, 33}, {50, 7}} {
		rows, cols := size[0], size[1]
		src, dst := random[float32](rand.New(rand.NewPCG(1, 1)), rows*cols), make([]float32, rows*cols)
		Transpose2D(dst, src, rows, cols)
		for i := 0; i < rows; i++ {
			for j := 0; j < cols; j++ {
				if dst[j*rows+i] != src[i*cols+j] {
					t.Fatalf("%dx%d: element %d,%d went astray", rows, cols, i, j)
				}
			}
		}
	}
}
