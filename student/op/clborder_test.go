// SPDX-License-Identifier: Apache-2.0

package op

import "testing"

// ToLast puts every element where the definition has it, and ToFirst puts it back.
func TestBorders(t *testing.T) {
	to := registry[ChannelsLast+":ToLast"]
	for _, c := range to.Cases {
		if len(c.In[0].Shape) != 4 || c.In[0].Shared {
			continue
		}
		r := newRig[float64](t, to, &c, oneSlice)
		r.forward()
		want := orderAxes(r.values[0], c.In[0].Shape)
		for i, v := range r.out[0].data() {
			if v != want[i] {
				t.Fatalf("%s: element %d is %v, want %v", c.Name, i, v, want[i])
			}
		}
		s := r.k.Out[0].Shape
		back := newRig[float64](t, registry[ChannelsLast+":ToFirst"], &Case{Name: c.Name, In: []Arg{{Shape: s}}}, oneSlice)
		copy(back.in[0].data(), want)
		back.forward()
		for i, v := range back.out[0].data() {
			if v != r.values[0][i] {
				t.Fatalf("%s: element %d comes back as %v, not %v", c.Name, i, v, r.values[0][i])
			}
		}
	}
}
