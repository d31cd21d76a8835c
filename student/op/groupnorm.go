// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// groupNorm is a bound InstanceNormalization or GroupNormalization: the channels of
// an image fall into groups that are brought to mean zero and deviation one.
type groupNorm[T kernel.Float] struct {
	images   count
	groups   int
	channels int // of a group
	plane    int
	epsilon  float64
	perGroup bool // scale and shift are those of the group, not of the channel
}

// newGroupNorm binds X[N, C, spatial...], scale and shift.
func newGroupNorm[T kernel.Float](n *Node, groups int, perGroup bool) (*Kernel[T], error) {
	if err := n.arity(3, 3, 1); err != nil {
		return nil, err
	}
	x := &n.In[0]
	if len(x.Shape) < 2 {
		return nil, fmt.Errorf("input of shape %v has no channels", x.Shape)
	}
	if groups == 0 {
		groups = max(x.Shape[1], 1)
	}
	if groups < 1 || x.Shape[1]%groups != 0 {
		return nil, fmt.Errorf("%d channels cannot be cut into %d groups", x.Shape[1], groups)
	}
	g := &groupNorm[T]{groups: groups, channels: x.Shape[1] / groups, plane: Len(x.Shape[2:]),
		epsilon: float64(n.Float("epsilon", 1e-5)), perGroup: perGroup}
	parameters := x.Shape[1]
	if perGroup {
		parameters = groups
	}
	batched := x.Batched
	for i := 1; i < 3; i++ {
		if s := n.In[i].Shape; len(s) != 1 || s[0] != parameters {
			return nil, fmt.Errorf("input %d has shape %v, wants [%d]", i, s, parameters)
		}
		batched = batched && !n.In[i].Batched
	}
	g.images = n.count(x.Shape[0], batched)
	k := result[T](n, x.Shape, batched)
	k.ReadsIn = []int{0, 1}
	k.Saved = (2*x.Shape[0]*groups + n.Batch - 1) / n.Batch
	k.Forward = []Phase[T]{g.forward}
	k.Backward = []Phase[T]{g.backward}
	return k, nil
}

// parameter is the index of the scale and shift of channel c of group i.
func (g *groupNorm[T]) parameter(i, c int) int {
	if g.perGroup {
		return i
	}
	return i*g.channels + c
}

func (g *groupNorm[T]) forward(f *Frame[T]) {
	size := g.channels * g.plane
	for i := range g.images.of(f.N) * g.groups {
		x, y := f.In[0][i*size:(i+1)*size], f.Out[0][i*size:(i+1)*size]
		mean := T(kernel.Sum(x) / float64(size))
		for j, v := range x {
			y[j] = v - mean
		}
		rstd := T(1 / math.Sqrt(kernel.Dot(y, y)/float64(size)+g.epsilon))
		f.Saved[2*i], f.Saved[2*i+1] = mean, rstd
		for c := range g.channels {
			p := g.parameter(i%g.groups, c)
			a, b, plane := f.In[1][p]*rstd, f.In[2][p], y[c*g.plane:(c+1)*g.plane]
			for j, v := range plane {
				plane[j] = a*v + b
			}
		}
	}
}

// backward, with X̂ the normalised group, adds
//
//	dX = rstd * (G - mean(G) - X̂ * mean(G * X̂)), G = dY * scale
//	dscale = Σ dY * X̂    dshift = Σ dY
func (g *groupNorm[T]) backward(f *Frame[T]) {
	size := g.channels * g.plane
	for i := range g.images.of(f.N) * g.groups {
		x, dy := f.In[0][i*size:(i+1)*size], f.DOut[0][i*size:(i+1)*size]
		mean, rstd := f.Saved[2*i], f.Saved[2*i+1]
		var sum, product float64 // of G and G * X̂
		for c := range g.channels {
			p, at := g.parameter(i%g.groups, c), c*g.plane
			d := dy[at : at+g.plane]
			s := kernel.Sum(d)
			t := (kernel.Dot(d, x[at:at+g.plane]) - float64(mean)*s) * float64(rstd)
			if f.DIn[1] != nil {
				f.DIn[1][p] += T(t)
			}
			if f.DIn[2] != nil {
				f.DIn[2][p] += T(s)
			}
			sum += float64(f.In[1][p]) * s
			product += float64(f.In[1][p]) * t
		}
		if f.DIn[0] == nil {
			continue
		}
		u, v := T(sum/float64(size)), T(product/float64(size))*rstd
		for c := range g.channels {
			scale, at := f.In[1][g.parameter(i%g.groups, c)], i*size+c*g.plane
			dx, d, x := f.DIn[0][at:at+g.plane], f.DOut[0][at:at+g.plane], f.In[0][at:at+g.plane]
			for j, w := range d {
				dx[j] += rstd * (scale*w - u - v*(x[j]-mean))
			}
		}
	}
}
