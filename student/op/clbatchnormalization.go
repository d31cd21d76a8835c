// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// BatchNormalization of ChannelsLast is that of ai.onnx on images X[N, H, W, C], with
// what often follows it:
//
//	Y = act((X - mean) / √(var + epsilon) * scale + B + R)
//
// R[N, H, W, C] is an optional sixth input, and act what the attribute activation
// names: nothing for "", max(y, 0) for "relu", and for "clip" y brought between the
// attributes low and high. A gradient passes act where y is strictly between the
// bounds.
var _ = register(Op{
	Name: "BatchNormalization", Domain: ChannelsLast, Since: 1, State: []int{3, 4},
	Bind32: bindLastNorm[float32], Bind64: bindLastNorm[float64],
	Cases: lastNormCases(),
})

// lastNorm is a bound BatchNormalization of ChannelsLast.
type lastNorm[T kernel.Float] struct {
	pictures
	training          bool
	values            int // of a channel in the whole batch
	epsilon, momentum float64
	residual          bool
	active            bool
	lo, hi            T
	together          int // images whose sums are taken in T
	shards            []lastNormShard[T]
}

// lastNormShard is what one shard knows. Rows of T are the channels' several times, as
// kernel.Repeat wants it. The forward and the backward pass have sums of their own, for
// the reason that normShard gives.
type lastNormShard[T kernel.Float] struct {
	forward, back lastSums[T]
	mean, rstd    []float64
	a, b, center  []T // y = a*x + b before the activation; the mean
	ga, gb, gc    []T // dx = ga*dy + gb*x + gc
}

// lastSums are two sums of every channel, and those in T of the last images, about
// shift.
type lastSums[T kernel.Float] struct {
	one, two      []float64
	s1, s2, shift []T
	images        int // in s1 and s2
}

func bindLastNorm[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(5, 6, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	batched := p.batched
	for i := 1; i < 5; i++ {
		if s := n.In[i].Shape; len(s) != 1 || s[0] != p.channels || n.In[i].Batched {
			return nil, fmt.Errorf("input %d has shape %v, but there are %d channels, and samples share it", i, s, p.channels)
		}
	}
	b := &lastNorm[T]{training: n.Training, values: Len(n.In[0].Shape[:3]), residual: n.Has(5),
		epsilon: float64(n.Float("epsilon", 1e-5)), momentum: float64(n.Float("momentum", 0.9)), lo: T(math.Inf(-1)), hi: T(math.Inf(1))}
	if b.residual && (fmt.Sprint(n.In[5].Shape) != fmt.Sprint(n.In[0].Shape) || n.In[5].Batched != batched) {
		return nil, fmt.Errorf("input 5 of shape %v beside images of %v", n.In[5].Shape, n.In[0].Shape)
	}
	switch act := n.String("activation", ""); act {
	case "":
	case "relu":
		b.active, b.lo = true, 0
	case "clip":
		b.active, b.lo, b.hi = true, T(n.Float("low", 0)), T(n.Float("high", 0))
	default:
		return nil, fmt.Errorf("activation %q, wants relu or clip", act)
	}
	if b.training && b.values < 2 {
		return nil, fmt.Errorf("a channel has %d values in the batch; statistics need two or more", b.values)
	}
	b.pictures = *p
	const inFloat32 = 1024 // values that one lane adds up
	repeat := kernel.Repeat(p.channels)
	b.together = max(inFloat32*repeat/(p.height*p.width), 1)
	b.shards = make([]lastNormShard[T], max(n.Shards, 1))
	for i := range b.shards {
		wide := func() []T { return make([]T, p.channels*repeat) }
		exact := func() []float64 { return make([]float64, p.channels) }
		sums := func() lastSums[T] { return lastSums[T]{exact(), exact(), wide(), wide(), wide(), 0} }
		b.shards[i] = lastNormShard[T]{sums(), sums(), exact(), exact(), wide(), wide(), wide(), wide(), wide(), wide()}
	}
	k := result[T](n, n.In[0].Shape, batched)
	k.Sets = []int{0, 5}
	k.ReadsIn = []int{0}
	if !b.residual {
		k.Again = b.affine
	}
	if b.active && b.residual {
		k.ReadsOut = []int{0}
	}
	k.Forward = []Phase[T]{b.apply}
	k.Backward = []Phase[T]{b.gradSums, b.gradData}
	if b.training {
		k.Forward = []Phase[T]{b.sums, b.apply}
		k.OutPhase = 1
		k.DInPhase = []int{1, 0, 0, 0, 0, 0}
	} else {
		k.Backward = []Phase[T]{func(f *Frame[T]) {
			b.gradSums(f)
			b.gradData(f)
		}}
	}
	return k, nil
}

// passed says how the activation's gradient is known.
func (b *lastNorm[T]) passed(s *lastNormShard[T], out []T) kernel.Passed[T] {
	p := kernel.Passed[T]{Lo: b.lo, Hi: b.hi}
	switch {
	case !b.active:
	case b.residual:
		p.Out = out
	default:
		p.A, p.B = s.a, s.b
	}
	return p
}

// image is the part of a slice that image i is.
func (b *lastNorm[T]) image(x []T, i int) []T {
	if x == nil {
		return nil
	}
	return x[i*b.size : (i+1)*b.size]
}

// sums adds up the values and the squares of every channel.
func (b *lastNorm[T]) sums(f *Frame[T]) {
	s := &b.shards[f.Shard].forward
	if f.First {
		s.begin()
	}
	for i := range b.images.of(f.N) {
		x := b.image(f.In[0], i)
		if s.images == 0 {
			copy(s.shift, x[:b.channels])
			kernel.Tile(s.shift, b.channels)
		}
		kernel.Moments(s.s1, s.s2, x, s.shift)
		if s.images++; s.images == b.together {
			s.flushMoments(b.height * b.width)
		}
	}
	if f.Last {
		s.flushMoments(b.height * b.width)
	}
}

func (s *lastSums[T]) begin() {
	clear(s.one)
	clear(s.two)
	clear(s.s1)
	clear(s.s2)
	s.images = 0
}

// flushMoments moves sums about the shift of images with so many pixels to those about
// zero.
func (s *lastSums[T]) flushMoments(pixels int) {
	n := float64(s.images * pixels)
	for c, v := range s.shift[:len(s.one)] {
		shift := float64(v)
		s.one[c] += n * shift
		s.two[c] += n * shift * shift
	}
	for at := 0; at < len(s.s1); at += len(s.one) {
		for c := range s.one {
			v, shift := float64(s.s1[at+c]), float64(s.shift[c])
			s.one[c] += v
			s.two[c] += float64(s.s2[at+c]) + 2*shift*v
		}
	}
	s.empty()
}

// flush moves sums.
func (s *lastSums[T]) flush() {
	for at := 0; at < len(s.s1); at += len(s.one) {
		for c := range s.one {
			s.one[c] += float64(s.s1[at+c])
			s.two[c] += float64(s.s2[at+c])
		}
	}
	s.empty()
}

func (s *lastSums[T]) empty() {
	clear(s.s1)
	clear(s.s2)
	s.images = 0
}

// apply normalises. The first slice of every shard derives the coefficients; that of
// shard 0 moves the running statistics.
func (b *lastNorm[T]) apply(f *Frame[T]) {
	s := &b.shards[f.Shard]
	if f.First {
		b.statistics(s, f)
		for c := range b.channels {
			a := float64(f.In[1][c]) * s.rstd[c]
			s.a[c], s.b[c], s.center[c] = T(a), T(float64(f.In[2][c])-a*s.mean[c]), T(s.mean[c])
		}
		kernel.Tile(s.a, b.channels)
		kernel.Tile(s.b, b.channels)
		kernel.Tile(s.center, b.channels)
	}
	b.affine(f)
}

// affine applies the coefficients that the shard has.
func (b *lastNorm[T]) affine(f *Frame[T]) {
	s := &b.shards[f.Shard]
	var residual []T
	if b.residual {
		residual = f.In[5]
	}
	for i := range b.images.of(f.N) {
		kernel.Affine(b.image(f.Out[0], i), b.image(f.In[0], i), b.image(residual, i), s.a, s.b, b.lo, b.hi)
	}
}

// statistics sets mean and rstd: of the whole batch in training, and else the running
// ones.
func (b *lastNorm[T]) statistics(s *lastNormShard[T], f *Frame[T]) {
	m := float64(b.values)
	for c := range b.channels {
		if !b.training {
			s.mean[c], s.rstd[c] = float64(f.In[3][c]), 1/math.Sqrt(float64(f.In[4][c])+b.epsilon)
			continue
		}
		var sum, squares float64
		for i := range b.shards {
			sum += b.shards[i].forward.one[c]
			squares += b.shards[i].forward.two[c]
		}
		mean := sum / m
		variance := max(squares/m-mean*mean, 0)
		s.mean[c], s.rstd[c] = mean, 1/math.Sqrt(variance+b.epsilon)
		if f.Shard == 0 {
			f.In[3][c] = T(b.momentum*float64(f.In[3][c]) + (1-b.momentum)*mean)
			f.In[4][c] = T(b.momentum*float64(f.In[4][c]) + (1-b.momentum)*variance*m/(m-1))
		}
	}
}

// gradSums adds up dY and dY * (X - mean) of every channel, dY as far as it passes the
// activation, and gives it to the residual.
func (b *lastNorm[T]) gradSums(f *Frame[T]) {
	state := &b.shards[f.Shard]
	s := &state.back
	if f.First {
		s.begin()
	}
	wanted := b.training || f.DIn[1] != nil || f.DIn[2] != nil
	p := b.passed(state, nil)
	for i := range b.images.of(f.N) {
		d := b.image(f.DOut[0], i)
		if p.A == nil && b.active {
			p.Out = b.image(f.Out[0], i)
		}
		if wanted {
			kernel.GradSums(s.s1, s.s2, d, b.image(f.In[0], i), state.center, p)
			if s.images++; s.images == b.together {
				s.flush()
			}
		}
		if b.residual && f.DIn[5] != nil {
			b.gradResidual(b.image(f.DIn[5], i), d, p.Out, f.Fresh[5])
		}
	}
	if !f.Last {
		return
	}
	s.flush()
	for c := range b.channels {
		if f.DIn[1] != nil {
			f.DIn[1][c] += T(s.two[c] * state.rstd[c])
		}
		if f.DIn[2] != nil {
			f.DIn[2][c] += T(s.one[c])
		}
	}
}

// gradResidual sets the residual's gradient, or adds to it, what passes of d.
func (b *lastNorm[T]) gradResidual(dr, d, out []T, set bool) {
	switch {
	case b.active && set:
		kernel.Between(dr, d, out, b.lo, b.hi)
	case b.active:
		kernel.AddBetween(dr, d, out, b.lo, b.hi)
	case set:
		copy(dr, d)
	default:
		kernel.Add(dr, d)
	}
}

// gradData adds scale * rstd * (dY - mean(dY) - X̂ * mean(dY * X̂)) to the gradient of
// X, where X̂ is the normalised input; the means are zero for statistics that are
// constants.
func (b *lastNorm[T]) gradData(f *Frame[T]) {
	if f.DIn[0] == nil {
		return
	}
	s, m := &b.shards[f.Shard], float64(b.values)
	if f.First {
		for c := range b.channels {
			a := float64(s.a[c])
			s.ga[c] = T(a)
			if !b.training {
				continue
			}
			var sum, product float64
			for i := range b.shards {
				sum += b.shards[i].back.one[c]
				product += b.shards[i].back.two[c]
			}
			slope := product * s.rstd[c] * s.rstd[c] / m
			s.gb[c], s.gc[c] = T(-a*slope), T(a*(slope*s.mean[c]-sum/m))
		}
		kernel.Tile(s.ga, b.channels)
		kernel.Tile(s.gb, b.channels)
		kernel.Tile(s.gc, b.channels)
	}
	p := b.passed(s, nil)
	for i := range b.images.of(f.N) {
		if p.A == nil && b.active {
			p.Out = b.image(f.Out[0], i)
		}
		kernel.GradData(b.image(f.DIn[0], i), b.image(f.DOut[0], i), b.image(f.In[0], i), s.ga, s.gb, s.gc, p, !f.Fresh[0])
	}
}

// lastNormCases are the situations BatchNormalization is checked in.
func lastNormCases() []Case {
	in := func(residual bool, shape ...int) []Arg {
		c := []int{shape[3]}
		args := []Arg{{Shape: shape}, {Shape: c, Lo: 0.5, Hi: 1.5}, {Shape: c}, {Shape: c}, {Shape: c, Lo: 0.5, Hi: 2}}
		if residual {
			args = append(args, Arg{Shape: shape, Batched: true})
		}
		return args
	}
	relu := []onnx.Attr{onnx.String("activation", "relu")}
	clip := []onnx.Attr{onnx.String("activation", "clip"), onnx.Float("low", -0.3), onnx.Float("high", 0.9)}
	cases := channelsLastCases(batchNormCases())
	for _, training := range []bool{false, true} {
		name := map[bool]string{false: "frozen, ", true: "training, "}[training]
		for _, c := range []Case{
			{Name: "many channels", In: in(false, 5, 3, 5, 37)},
			{Name: "narrow", In: in(false, 5, 6, 7, 4)},
			{Name: "relu", Attrs: relu, In: in(false, 5, 3, 4, 16)},
			{Name: "clip", Attrs: clip, In: in(false, 5, 3, 4, 10)},
			{Name: "residual", In: in(true, 5, 2, 4, 9)},
			{Name: "residual and relu", Attrs: relu, In: in(true, 5, 3, 4, 8)},
			{Name: "residual and clip", Attrs: clip, In: in(true, 10, 2, 3, 8)},
		} {
			c.Name, c.Training, c.NoRuntime = name+c.Name, training, noRuntimeLast
			cases = append(cases, c)
		}
	}
	return cases
}
