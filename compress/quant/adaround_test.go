// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// TestAdaRound: on samples that it did not see, weights rounded by what their layers
// give answer nearer to the float model than the nearest ones with corrected biases
// (four bits of weights make the difference plain); no weight moves farther than to
// its other neighbour; the integers make the same model when they are handed to
// Static; and ONNX Runtime fuses as before.
func TestAdaRound(t *testing.T) {
	library(t)
	few := StaticOptions{Calibrator: LookupCalibrator("minmax"), Integers: Integers{Activation: onnx.Uint8, weightBits: 4}}
	for _, c := range nets {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			m := model(c.name)
			f, fresh := samples(m, 12, 32), samples(m, 18, 32)
			fill := fresh.Fill
			fresh.Batches, fresh.Fill = 6, func(b int) ([]ort.Value, error) { return fill(12 + b) }
			p, o := planned(t, m, f)
			nearest, err := p.Static(o, few)
			if err != nil {
				t.Fatal(err)
			}
			if err := nearest.CorrectBias(ctx, p, f); err != nil {
				t.Fatal(err)
			}
			s, err := p.Static(o, few)
			if err != nil {
				t.Fatal(err)
			}
			near := map[string][]int8{}
			for _, l := range s.layers {
				near[l.source] = slices.Clone(l.weight.q)
			}
			found, err := p.AdaRound(ctx, s, f)
			if err != nil || len(found) != c.count {
				t.Fatalf("%d layers rounded, want %d: %v", len(found), c.count, err)
			}
			moved := 0
			for name, q := range found {
				for i, v := range q {
					if d := int(v) - int(near[name][i]); d != 0 {
						moved++
						if d < -1 || d > 1 {
							t.Fatalf("%s[%d] goes from %d to %d", name, i, near[name][i], v)
						}
					}
				}
			}
			want := outputs(t, m, fresh, ort.Options{})
			before, after := noise(want, outputs(t, nearest.Model, fresh, ort.Options{})), noise(want, outputs(t, s.Model, fresh, ort.Options{}))
			t.Logf("%d weights moved, error %.3g of %.3g", moved, after, before)
			if after > 0.9*before || moved == 0 {
				t.Errorf("%d weights moved, error %g, of the nearest %g", moved, after, before)
			}
			with := few
			with.Rounding = found
			again, err := p.Static(o, with)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range again.layers {
				if !slices.Equal(l.weight.q, found[l.source]) {
					t.Errorf("%q was rounded otherwise", l.source)
				}
			}
			fused, err := Fused(encoded(t, s.Model))
			if err != nil || len(fused.Stray) > 0 || fused.Integer != c.count {
				t.Errorf("%+v, %v", fused, err)
			}
		})
	}
}

// TestWindow: the taps that a window reads, times the weights, are what ONNX Runtime's
// convolution gives.
func TestWindow(t *testing.T) {
	library(t)
	for name, c := range map[string]struct {
		in, kernel []int64
		group      int64
		attrs      []onnx.Attr
	}{
		"plain":      {[]int64{4, 7, 9}, []int64{3, 3}, 1, []onnx.Attr{onnx.Ints("pads", 1, 1, 1, 1)}},
		"strides":    {[]int64{4, 8, 9}, []int64{3, 2}, 2, []onnx.Attr{onnx.Ints("strides", 2, 3), onnx.Ints("pads", 1, 0, 2, 1)}},
		"dilations":  {[]int64{4, 11, 9}, []int64{3, 3}, 1, []onnx.Attr{onnx.Ints("dilations", 3, 2), onnx.Ints("pads", 2, 1, 2, 1)}},
		"depthwise":  {[]int64{4, 6, 6}, []int64{3, 3}, 4, []onnx.Attr{onnx.Ints("pads", 1, 1, 1, 1)}},
		"same upper": {[]int64{4, 8, 8}, []int64{4, 3}, 1, []onnx.Attr{onnx.String("auto_pad", "SAME_UPPER"), onnx.Ints("strides", 2, 2)}},
		"same lower": {[]int64{4, 8, 8}, []int64{4, 3}, 1, []onnx.Attr{onnx.String("auto_pad", "SAME_LOWER")}},
		"valid":      {[]int64{4, 8, 8}, []int64{3, 3}, 1, []onnx.Attr{onnx.String("auto_pad", "VALID")}},
		"one axis":   {[]int64{4, 20}, []int64{5}, 2, []onnx.Attr{onnx.Ints("pads", 2, 2), onnx.Ints("strides", 3)}},
		"three axes": {[]int64{4, 5, 6, 7}, []int64{2, 3, 3}, 1, []onnx.Attr{onnx.Ints("pads", 0, 1, 1, 1, 1, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			const out = 8
			g := &onnx.Graph{Name: "conv"}
			n := &net{onnx.NewBuilder(g, ""), rand.New(rand.NewPCG(1, 1))}
			dims := []onnx.Dim{onnx.Symbolic("N")}
			size := 3
			for _, d := range c.in {
				dims = append(dims, onnx.Fixed(d))
				size *= int(d)
			}
			x := n.Input("x", onnx.Float32, dims...)
			w := n.weight("w", 9, append([]int64{out, c.in[0] / c.group}, c.kernel...)...)
			n.Output(n.Op("Conv", []string{x, w}, append(c.attrs, onnx.Int("group", c.group))...), onnx.Float32)
			m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: g}
			v := make([]float32, size)
			for i := range v {
				v[i] = float32(n.r.NormFloat64())
			}
			xdims := append([]int64{3}, c.in...)
			in, err := ort.FromFloat32(onnx.Float32, xdims, v)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ort.Open(encoded(t, m), ort.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := s.Run(context.Background(), []ort.Value{in})
			if err != nil {
				t.Fatal(err)
			}
			y, err := got[0].Float32s()
			if err != nil {
				t.Fatal(err)
			}
			kernel, weights := []int{}, newWiring(m).float(w)
			for _, k := range c.kernel {
				kernel = append(kernel, int(k))
			}
			win := newWindow(g.Nodes[0], kernel, xdims, got[0].Dims)
			fan := len(weights) / out
			taps := make([]float32, fan)
			for row := range 3 * win.places {
				for channel := range out {
					win.read(v, row, channel/(out/int(c.group))*int(c.in[0]/c.group), taps)
					var sum float64
					for i, tap := range taps {
						sum += float64(tap) * float64(weights[channel*fan+i])
					}
					if want := y[(row/win.places*out+channel)*win.places+row%win.places]; math.Abs(sum-float64(want)) > 1e-4 {
						t.Fatalf("row %d, channel %d: %g, ONNX Runtime %g", row, channel, sum, want)
					}
				}
			}
		})
	}
}
