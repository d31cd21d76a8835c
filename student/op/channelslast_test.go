// SPDX-License-Identifier: Apache-2.0

package op

import (
	"testing"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// twins are operators of the domain ChannelsLast whose twin in ai.onnx has another
// name or means more: fits says which cases on [N, C, H, W] both can run. The others
// have their twin's name and run all of them.
var twins = map[string]struct {
	name string
	fits func(n *Node) bool
}{
	"Conv": {"Conv", func(n *Node) bool { return n.Int("group", 1) == 1 && !n.In[1].Batched }},
	"DepthwiseConv": {"Conv", func(n *Node) bool {
		c := n.In[0].Shape[1]
		return n.Int("group", 1) == int64(c) && n.In[1].Shape[0] == c
	}},
}

// TestChannelsLast holds every operator of the domain ChannelsLast that has a twin
// in ai.onnx against it: values, states and all gradients, over the cases of both.
func TestChannelsLast(t *testing.T) {
	tried := 0
	for _, o := range All() {
		if o.Domain != ChannelsLast {
			continue
		}
		name, fits := o.Name, func(*Node) bool { return true }
		if w, ok := twins[o.Name]; ok {
			name, fits = w.name, w.fits
		}
		twin := registry[":"+name]
		if twin == nil {
			continue
		}
		tried++
		t.Run(o.Name, func(t *testing.T) {
			done := 0
			for _, c := range twin.Cases {
				if len(c.In[0].Shape) == 4 && !c.In[0].Shared && fits(nodeOf(twin, &c, 1)) {
					done++
					t.Run("twin's/"+c.Name, func(t *testing.T) { compareTwins(t, twin, o, &c) })
				}
			}
			for _, own := range o.Cases {
				c := orderArgs(own, toFirst)
				n := nodeOf(twin, &c, 1)
				if _, err := twin.Bind64(n); err != nil || n.Attr("activation") != nil || !fits(n) {
					continue
				}
				t.Run("own/"+c.Name, func(t *testing.T) { compareTwins(t, twin, o, &c) })
			}
			if done == 0 {
				t.Errorf("the twin %s has no case of images", name)
			}
		})
	}
	if tried == 0 {
		t.Error("no operator of the domain has a twin")
	}
}

// compareTwins runs both twins on a case of the one on [N, C, H, W].
func compareTwins(t *testing.T, twin, o *Op, c *Case) {
	t.Run("float64", func(t *testing.T) { compareTwinsIn[float64](t, twin, o, c, 1e-11) })
	t.Run("float32", func(t *testing.T) { compareTwinsIn[float32](t, twin, o, c, 2e-5) })
}

func compareTwinsIn[T kernel.Float](t *testing.T, twin, o *Op, c *Case, tolerance float64) {
	last := orderArgs(*c, toLast)
	for _, how := range []cut{oneSlice, unevenParts} {
		want, got := newRig[T](t, twin, c, how), newRig[T](t, o, &last, how)
		for i, v := range want.values {
			if got.values[i] = v; c.images(i) {
				got.values[i] = orderAxes(v, c.In[i].Shape)
			}
		}
		got.reset()
		want.forward()
		got.forward()
		same := func(what string, i int, got, want []float64) {
			t.Helper()
			if d := difference(got, want); len(got) != len(want) || !(d <= tolerance) {
				t.Errorf("shards %d: %s %d differs by %g", len(how), what, i, d)
			}
		}
		v := directions(want, 17)
		turned := directions(want, 17)
		for i := range v {
			y, shape := widen(want.out[i].data()), want.k.Out[i].Shape
			if len(shape) == 4 {
				y, turned[i] = orderAxes(y, shape), orderAxes(v[i], shape)
			}
			same("output", i, widen(got.out[i].data()), y)
		}
		for _, i := range twin.State {
			same("state", i, widen(got.in[i].data()), widen(want.in[i].data()))
		}
		if c.ForwardOnly {
			continue
		}
		grads, others := want.backward(v, 0), got.backward(turned, 0)
		for i, g := range grads {
			if g != nil && c.images(i) {
				g = orderAxes(g, c.In[i].Shape)
			}
			same("gradient", i, others[i], g)
		}
		got.check()
	}
}

// orderAxes are the elements of images [N, C, H, W] with their channels last.
func orderAxes(v []float64, shape []int) []float64 {
	channels, plane := shape[1], shape[2]*shape[3]
	out := make([]float64, len(v))
	for i, x := range v {
		image, c, p := i/(channels*plane), i/plane%channels, i%plane
		out[(image*plane+p)*channels+c] = x
	}
	return out
}

func widen[T kernel.Float](x []T) []float64 {
	f := make([]float64, len(x))
	for i, v := range x {
		f[i] = float64(v)
	}
	return f
}

// TestChannelsLastSingle holds what operators of the domain compute in float32, in
// vectors, against float64: values and all gradients.
func TestChannelsLastSingle(t *testing.T) {
	eachCase(t, func(t *testing.T, o *Op, c *Case) {
		if o.Domain != ChannelsLast {
			t.Skip("of another domain")
		}
		single, double := newRig[float32](t, o, c, unevenParts), newRig[float64](t, o, c, unevenParts)
		single.forward()
		double.forward()
		for i := range double.out {
			if d := difference(widen(single.out[i].data()), double.out[i].data()); !(d <= 2e-5) {
				t.Errorf("output %d differs by %g", i, d)
			}
		}
		if c.ForwardOnly {
			return
		}
		v := directions(double, 18)
		want := double.backward(v, 0)
		for i, g := range single.backward(v, 0) {
			if d := difference(g, want[i]); !(d <= 5e-5) {
				t.Errorf("gradient %d differs by %g", i, d)
			}
		}
	})
}
