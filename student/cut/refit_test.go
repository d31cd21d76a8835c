// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// blurred gives a teacher weights that are not whole, of size 1/sqrt(inputs), so that
// its layers look like trained ones: what one channel says others say in part.
func blurred(t *testing.T, sig student.Signature) {
	t.Helper()
	r := rand.New(rand.NewPCG(8, 9))
	for _, x := range sig.Teacher.Graph.Initializers {
		if x.Type != onnx.Float32 || x.Name == "var" {
			continue
		}
		v := make([]float32, x.Len())
		out := int(x.Dims[0])
		per := max(len(v)/max(out, 1), 1)
		for i := range v {
			v[i] = float32(r.NormFloat64() / math.Sqrt(float64(per)))
			if i >= len(v)/2 && len(x.Dims) == 4 { // the second half of the filters mixes the first
				v[i] = 0.3*v[i] + 0.7*v[i-len(v)/2]
			}
		}
		x.Data = onnx.FloatData(x.Type, v)
	}
}

// off is the mean square of the difference of the answers to fresh samples,
// relative to that of the teacher's answers.
func off(t *testing.T, sig student.Signature, m *onnx.Model, in []int) float64 {
	t.Helper()
	s := samples(in, 64, 99)
	var d, all float64
	want, got := answers(t, sig, sig.Teacher, s), answers(t, sig, m, s)
	for i := range want {
		d += math.Pow(float64(want[i]-got[i]), 2)
		all += math.Pow(float64(want[i]), 2)
	}
	return d / all
}

// TestRefit narrows teachers of every shape with and without least squares, and by
// both kinds of importance.
func TestRefit(t *testing.T) {
	for _, tc := range nets {
		t.Run(tc.name, func(t *testing.T) {
			sig := teacher(t, tc.opset, tc.in, tc.classes, tc.emit)
			blurred(t, sig)
			s := samples(tc.in, 128, 5)
			errs := map[string]float64{}
			for _, spec := range []string{"narrow:ratio=0.5,by=magnitude,refit=no", "narrow:ratio=0.5,refit=no", "narrow:ratio=0.5"} {
				r, err := Cut(context.Background(), sig, recipe(t, spec), s, 1, 2)
				if err != nil {
					t.Fatal(err)
				}
				errs[spec] = off(t, sig, r.Student.Model, tc.in)
			}
			t.Logf("relative error of the answers: %v", errs)
			if a, b := errs["narrow:ratio=0.5,refit=no"], errs["narrow:ratio=0.5"]; !(b < a) {
				t.Errorf("relative error %.4f after refitting, %.4f before", b, a)
			}
		})
	}
}

// TestLowRank factorises layers of full and of low rank.
func TestLowRank(t *testing.T) {
	in := []int{96}
	sig := teacher(t, 13, in, 4, func(b *net, x string) string {
		x = b.relu(b.linear("one", x, 96, 128))
		x = b.relu(b.dense("two", x, 128, 96))
		return b.linear("out", x, 96, 4)
	})
	blurred(t, sig)
	// A matrix of rank 20 comes out as it was.
	r := rand.New(rand.NewPCG(4, 4))
	v, a, c := make([]float32, 128*96), make([]float64, 128*20), make([]float64, 20*96)
	for i := range a {
		a[i] = r.NormFloat64()
	}
	for i := range c {
		c[i] = r.NormFloat64() / 10
	}
	for i := range 128 {
		for j := range 96 {
			for k := range 20 {
				v[i*96+j] += float32(a[i*20+k] * c[k*96+j] / 10)
			}
		}
	}
	sig.Teacher.Graph.Initializer("one.w").Data = onnx.FloatData(onnx.Float32, v)
	s := samples(in, 256, 5)
	before := sig.Teacher.Graph.Params()
	for _, tc := range []struct {
		spec string
		most float64 // relative error
		want string  // rank in the first note
	}{{"lowrank:ratio=0.5", 0.35, "through rank 24"}, {"lowrank:ratio=0.9", 0.1, "through rank 48"}} {
		got, err := Cut(context.Background(), sig, recipe(t, tc.spec), s, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if e := off(t, sig, got.Student.Model, in); !(e < tc.most) {
			t.Errorf("%s: relative error %.4f", tc.spec, e)
		}
		if !strings.Contains(got.Notes[0], tc.want) || len(got.Notes) != 2 {
			t.Errorf("%s: notes %q", tc.spec, got.Notes)
		}
		if n := got.Student.Model.Graph.Params(); n >= before {
			t.Errorf("%s: %d parameters of %d", tc.spec, n, before)
		}
	}
	if _, err := Cut(context.Background(), sig, recipe(t, "lowrank:ratio=0.2"), s, 1, 2); !errors.Is(err, ErrNothing) {
		t.Errorf("ranks too thin: error %v", err)
	}
}

// TestLeastSquares fits known weights from rows, more and fewer of them than
// unknowns.
func TestLeastSquares(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		in, rows int
		most     float64
	}{{6, 400, 1e-3}, {300, 200, 0.9}} {
		f := &fit{in: tc.in, out: 2, w: make([]float64, 2*tc.in), b: make([]float64, 2)}
		truth := make([]float64, 2*tc.in)
		for i := range truth {
			truth[i] = r.NormFloat64()
		}
		x, y := make([]float64, tc.rows*tc.in), make([]float64, tc.rows*2)
		for i := range tc.rows {
			for k := range tc.in {
				x[i*tc.in+k] = r.NormFloat64() + 1
			}
			for j := range 2 {
				y[i*2+j] = 3
				for k := range tc.in {
					y[i*2+j] += x[i*tc.in+k] * truth[k*2+j]
				}
			}
		}
		if !f.fit(x, y, tc.rows, true) {
			t.Fatal("no fit is better than zeros")
		}
		var e, all float64
		for i := range truth {
			e += math.Pow(f.w[i]-truth[i], 2)
			all += math.Pow(truth[i], 2)
		}
		if e/all > tc.most {
			t.Errorf("%d rows of %d: relative error %.4f", tc.rows, tc.in, e/all)
		}
		if again := slices.Clone(f.w); tc.in == 6 && f.fit(x, y, tc.rows, true) {
			for i := range again {
				if math.Abs(again[i]-f.w[i]) > 1e-3 {
					t.Errorf("a second fit moves weight %d from %g to %g", i, again[i], f.w[i])
				}
			}
		}
	}
}
