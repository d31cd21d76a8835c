// SPDX-License-Identifier: Apache-2.0

package op

import (
	"math"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Heads says where the matrices of an attention's heads lie in a tensor: that of head h
// of sample s begins at Off + s*Sample + h*Head, and its rows are Row elements apart.
type Heads struct{ Off, Sample, Head, Row int }

// at is where the matrix of a head begins.
func (h Heads) at(s, head int) int { return h.Off + s*h.Sample + head*h.Head }

// Attending is scaled dot product attention over heads of any layout:
//
//	S = Scale Q Kᵀ + mask    P = softmax(S)    Y = P V
//
// head by head, so that S stays in the cache. Softcap, where it is not zero, bounds the
// scaled products: c*tanh(x/c). With Causal query i sees the keys up to i plus the number
// of keys that were there before.
//
// https://arxiv.org/abs/1706.03762
type Attending struct {
	Heads, Group int // query heads, and how many of them share a key head
	Rows, Keys   int // queries and keys
	Depth, Width int // of a key and of a value
	Q, K, V, Y   Heads
	Turned       bool // K is stored as Kᵀ, Depth rows of Keys elements
	Scale        float64
	Softcap      float64
	Causal       bool
	Before       int // keys before the first query
	Mask         *AttentionMask
}

// AttentionMask is added to the scores, or with Bool leaves those where it is not zero.
// The steps are those of sample, head, query and key through the mask, 0 where it is
// broadcast; keys from Keys on are masked.
type AttentionMask struct {
	Sample, Head, Row, Col int
	Keys                   int
	Bool                   bool
}

// saved is how many elements a sample forward keeps: P, and with Softcap the bounded
// products as well.
func (a *Attending) saved() int {
	n := a.Heads * a.Rows * a.Keys
	if a.Softcap > 0 {
		n *= 2
	}
	return n
}

// scratch elements serve forward and backward.
func (a *Attending) scratch() int { return 2 * a.Rows * a.Keys }

// attended are the buffers of a slice; nil gradients are not wanted.
type attended[T kernel.Float] struct {
	q, k, v, y, mask      []T
	dq, dk, dv, dy, dmask []T
	saved, scratch        []T
	lens                  []T // keys of every sample that are there, nil for all
	raw                   []T // where the scores go too; see stage
	stage                 int // 0 the products, 1 with softcap, 2 with the mask, 3 P
}

func attendForward[T kernel.Float](a *Attending, n int, o *attended[T]) {
	size := a.Rows * a.Keys
	for s := range n {
		for h := range a.Heads {
			p := o.saved[s*a.saved()+h*size:][:size]
			kh := h / a.Group
			kernel.Gemm(false, !a.Turned, a.Rows, a.Keys, a.Depth, T(a.Scale), o.q[a.Q.at(s, h):], a.Q.Row, o.k[a.K.at(s, kh):], a.K.Row, 0, p, a.Keys)
			keep := func(stage int) {
				if o.raw != nil && o.stage == stage {
					copy(o.raw[(s*a.Heads+h)*size:][:size], p)
				}
			}
			keep(0)
			if a.Softcap > 0 {
				c := T(a.Softcap)
				for i, x := range p {
					p[i] = c * T(math.Tanh(float64(x/c)))
				}
				copy(o.saved[s*a.saved()+(a.Heads+h)*size:], p)
			}
			keep(1)
			if a.Causal || a.Mask != nil || o.lens != nil {
				attendMask(a, o, s, h, p)
				keep(2)
				attendRows(p, a.Rows, a.Keys)
			} else {
				keep(2)
				kernel.RowSoftmax(p, p, a.Rows, a.Keys)
			}
			keep(3)
			kernel.Gemm(false, false, a.Rows, a.Width, a.Keys, 1, p, a.Keys, o.v[a.V.at(s, kh):], a.V.Row, 0, o.y[a.Y.at(s, h):], a.Y.Row)
		}
	}
}

// attendMask applies the masks to a head's scores.
func attendMask[T kernel.Float](a *Attending, o *attended[T], s, h int, p []T) {
	none := T(math.Inf(-1))
	keys, before := a.Keys, a.Before
	if o.lens != nil {
		keys = int(o.lens[s])
		before = keys - a.Rows
	}
	for i := range a.Rows {
		row := p[i*a.Keys:][:a.Keys]
		if m := a.Mask; m != nil {
			at := s*m.Sample + h*m.Head + i*m.Row
			for j := range row {
				switch {
				case j >= m.Keys:
					row[j] = none
				case !m.Bool:
					row[j] += o.mask[at+j*m.Col]
				case o.mask[at+j*m.Col] == 0:
					row[j] = none
				}
			}
		}
		last := keys
		if a.Causal {
			last = min(last, i+before+1)
		}
		for j := max(last, 0); j < a.Keys; j++ {
			row[j] = none
		}
	}
}

// attendRows is softmax in place; rows of minus infinity become zero.
func attendRows[T kernel.Float](p []T, rows, cols int) {
	none := T(math.Inf(-1))
	for i := range rows {
		row := p[i*cols:][:cols]
		masked := true
		for _, x := range row {
			if x != none {
				masked = false
				break
			}
		}
		if masked {
			clear(row)
			continue
		}
		kernel.RowSoftmax(row, row, 1, cols)
	}
}

// attendBackward adds the gradients. K's and V's of heads that share them add up.
func attendBackward[T kernel.Float](a *Attending, n int, o *attended[T]) {
	size := a.Rows * a.Keys
	dp, ds := o.scratch[:size], o.scratch[size:2*size]
	for s := range n {
		for h := range a.Heads {
			p := o.saved[s*a.saved()+h*size:][:size]
			kh := h / a.Group
			dy := o.dy[a.Y.at(s, h):]
			if o.dv != nil {
				kernel.Gemm(true, false, a.Keys, a.Width, a.Rows, 1, p, a.Keys, dy, a.Y.Row, 1, o.dv[a.V.at(s, kh):], a.V.Row)
			}
			if o.dq == nil && o.dk == nil && o.dmask == nil {
				continue
			}
			kernel.Gemm(false, true, a.Rows, a.Keys, a.Width, 1, dy, a.Y.Row, o.v[a.V.at(s, kh):], a.V.Row, 0, dp, a.Keys)
			clear(ds)
			kernel.RowSoftmaxGrad(ds, dp, p, a.Rows, a.Keys)
			if m := a.Mask; m != nil && o.dmask != nil {
				for i := range a.Rows {
					at := s*m.Sample + h*m.Head + i*m.Row
					for j := range min(m.Keys, a.Keys) {
						o.dmask[at+j*m.Col] += ds[i*a.Keys+j]
					}
				}
			}
			if a.Softcap > 0 {
				c := T(a.Softcap)
				for i, x := range o.saved[s*a.saved()+(a.Heads+h)*size:][:size] {
					ds[i] *= 1 - x/c*(x/c)
				}
			}
			q, k := o.q[a.Q.at(s, h):], o.k[a.K.at(s, kh):]
			if o.dq != nil {
				kernel.Gemm(false, a.Turned, a.Rows, a.Depth, a.Keys, T(a.Scale), ds, a.Keys, k, a.K.Row, 1, o.dq[a.Q.at(s, h):], a.Q.Row)
			}
			if o.dk == nil {
				continue
			}
			dk := o.dk[a.K.at(s, kh):]
			if a.Turned {
				kernel.Gemm(true, false, a.Depth, a.Keys, a.Rows, T(a.Scale), q, a.Q.Row, ds, a.Keys, 1, dk, a.K.Row)
			} else {
				kernel.Gemm(true, false, a.Keys, a.Depth, a.Rows, T(a.Scale), ds, a.Keys, q, a.Q.Row, 1, dk, a.K.Row)
			}
		}
	}
}

// BindAttending is a kernel of an attention with batched inputs q, k and v, which may be
// parts of one tensor, and a batched or shared mask where there is one. out describes the
// output; a sample of the batch is perSample of the attention's.
func BindAttending[T kernel.Float](a *Attending, out Operand, perSample int) *Kernel[T] {
	k := &Kernel[T]{Out: []Operand{out}, ReadsIn: []int{0, 1, 2}, Saved: a.saved() * perSample, Scratch: a.scratch()}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		o := attended[T]{q: f.In[0], k: f.In[1], v: f.In[2], mask: operand(f.In, 3), y: f.Out[0], saved: f.Saved, scratch: f.Scratch}
		attendForward(a, f.N*perSample, &o)
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		o := attended[T]{q: f.In[0], k: f.In[1], v: f.In[2], dq: f.DIn[0], dk: f.DIn[1], dv: f.DIn[2], dmask: operand(f.DIn, 3),
			dy: f.DOut[0], saved: f.Saved, scratch: f.Scratch}
		attendBackward(a, f.N*perSample, &o)
	}}
	return k
}
