// SPDX-License-Identifier: Apache-2.0

package op

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// newest is the opset of cases that name none.
const newest = 22

// samples is the batch of every case: odd, so that no way to cut it is even.
const samples = 5

// cut says how a batch is split: a list of slices' ends for every shard.
type cut [][]int

var (
	oneSlice    = cut{{5}}
	sampleWise  = cut{{1, 2, 3, 4, 5}}
	unevenParts = cut{{1, 2}, {4, 5}}
	twoParts    = cut{{3}, {5}}
)

// given makes the values of a case's inputs from a fixed seed. Omitted inputs are
// nil.
func given(o *Op, c *Case) [][]float64 {
	h := fnv.New64a()
	h.Write([]byte(o.Name + "/" + c.Name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	var all [][]float64
	for _, a := range c.In {
		all = append(all, a.values(rng))
	}
	return all
}

func (a *Arg) values(rng *rand.Rand) []float64 {
	switch {
	case a.Omit:
		return nil
	case a.Ints != nil:
		v := make([]float64, len(a.Ints))
		for i, x := range a.Ints {
			v[i] = float64(x)
		}
		return v
	case a.Floats != nil:
		return a.Floats
	}
	lo, hi := a.Lo, a.Hi
	if lo == 0 && hi == 0 {
		lo, hi = -1, 1
	}
	v := make([]float64, Len(a.Shape))
	for i, at := range rng.Perm(len(v)) {
		if a.Distinct {
			v[i] = lo + (hi-lo)*(float64(at)+0.5)/float64(len(v))
			continue
		}
		for v[i] = lo + (hi-lo)*rng.Float64(); a.near(v[i]); {
			v[i] = lo + (hi-lo)*rng.Float64()
		}
	}
	if a.Type != onnx.Undefined {
		for i := range v {
			v[i] = math.Floor(v[i])
		}
	}
	for i := range v { // what float32 holds, so that both types see the same numbers
		v[i] = float64(float32(v[i]))
	}
	return v
}

func (a *Arg) near(v float64) bool {
	for _, p := range a.Avoid {
		if math.Abs(v-p) < 0.05 {
			return true
		}
	}
	return false
}

// nodeOf is the node of a case, with inputs in0... and outputs out0...
func nodeOf(o *Op, c *Case, shards int) *Node {
	n := &Node{Node: &onnx.Node{Name: "node", OpType: o.Name, Domain: o.Domain, Attrs: c.Attrs},
		Opset: c.Opset, Batch: samples, Shards: shards, Training: c.Training, Seed: 7}
	if n.Opset == 0 {
		n.Opset = newest
	}
	for i := range c.In {
		a := &c.In[i]
		if a.Omit {
			n.Inputs, n.In = append(n.Inputs, ""), append(n.In, Operand{})
			continue
		}
		x := Operand{Shape: append([]int{}, a.Shape...), Type: onnx.Float32, Batched: (i == 0 && !a.Shared) || a.Batched}
		dims := make([]int64, len(a.Shape))
		for j, d := range a.Shape {
			dims[j] = int64(d)
		}
		switch {
		case a.Ints != nil && a.Type != onnx.Undefined:
			x.Type, x.Const = a.Type, integers(a.Type, dims, a.Ints)
		case a.Ints != nil:
			x.Type, x.Const = onnx.Int64, onnx.NewInt64("", dims, a.Ints)
		case a.Type != onnx.Undefined:
			x.Type = a.Type
		case a.Floats != nil:
			v := make([]float32, len(a.Floats))
			for j := range v {
				v[j] = float32(a.Floats[j])
			}
			x.Const = onnx.NewFloat32("", dims, v)
		default:
			x.Grad = !contains(o.Fixed, i) && !contains(o.State, i)
		}
		n.Inputs, n.In = append(n.Inputs, "in"+string(rune('0'+i))), append(n.In, x)
	}
	for i := range max(c.Outputs, 1) {
		n.Outputs = append(n.Outputs, "out"+string(rune('0'+i)))
	}
	return n
}

// integers is a constant tensor of an integer type.
func integers(t onnx.DataType, dims, v []int64) *onnx.Tensor {
	c := &onnx.Tensor{Type: t, Dims: dims}
	for _, x := range v {
		for i := range t.Size() {
			c.Data = append(c.Data, byte(x>>(8*i)))
		}
	}
	return c
}

func contains(list []int, x int) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// guard is how many elements around a buffer have to stay as they are.
const guard = 16

// buffer is memory between guards.
type buffer[T kernel.Float] struct{ all []T }

const guardValue = -12345

func newBuffer[T kernel.Float](n int) buffer[T] {
	b := buffer[T]{make([]T, n+2*guard)}
	kernel.Fill(b.all, guardValue)
	return b
}

func (b buffer[T]) data() []T {
	return b.all[guard : len(b.all)-guard : len(b.all)-guard]
}

func (b buffer[T]) intact() bool {
	for i := range guard {
		if b.all[i] != guardValue || b.all[len(b.all)-1-i] != guardValue {
			return false
		}
	}
	return true
}

// rig runs one bound node as the engine does: phase after phase, the shards beside
// each other, each over its slices in order.
type rig[T kernel.Float] struct {
	t      testing.TB
	node   *Node
	k      *Kernel[T]
	cut    cut
	values [][]float64

	in, out []buffer[T]
	dout    []buffer[T]
	din     [][]buffer[T] // of a batched input one, of a shared one for every shard
	fresh   bool          // backward begins without the gradients in Kernel.Sets
	saved   buffer[T]
	scratch []buffer[T]
}

func newRig[T kernel.Float](t testing.TB, o *Op, c *Case, how cut) *rig[T] {
	t.Helper()
	return bindRig[T](t, o, c, nodeOf(o, c, len(how)), how)
}

func bindRig[T kernel.Float](t testing.TB, o *Op, c *Case, n *Node, how cut) *rig[T] {
	t.Helper()
	r := &rig[T]{t: t, node: n, cut: how, values: given(o, c)}
	var err error
	if r.k, err = Bind[T](o, r.node); err != nil {
		t.Fatalf("bind: %v", err)
	}
	if r.k.Whole {
		r.cut = oneSlice
	}
	if len(r.k.Out) < max(c.Outputs, 1) {
		t.Fatalf("%d outputs, the case wants %d", len(r.k.Out), c.Outputs)
	}
	for i := range r.node.In {
		n := 0
		if r.node.In[i].Present() {
			n = r.node.In[i].Len()
		}
		r.in = append(r.in, newBuffer[T](n))
		var d []buffer[T]
		if r.node.In[i].Grad {
			for range r.cut {
				d = append(d, newBuffer[T](n))
			}
		}
		r.din = append(r.din, d)
	}
	for i := range r.k.Out {
		x := &r.k.Out[i]
		if !x.Present() {
			t.Fatalf("output %d has no shape; a scalar's is empty", i)
		}
		if x.Batched && (len(x.Shape) == 0 || x.Shape[0]%samples != 0) {
			t.Fatalf("output %d of shape %v cannot be cut into %d samples", i, x.Shape, samples)
		}
		r.out, r.dout = append(r.out, newBuffer[T](x.Len())), append(r.dout, newBuffer[T](x.Len()))
	}
	r.saved = newBuffer[T](r.k.Saved * samples)
	for range r.cut {
		r.scratch = append(r.scratch, newBuffer[T](r.k.Scratch+r.k.ScratchPer*samples))
	}
	r.reset()
	return r
}

// reset gives the inputs their values and everything else none.
func (r *rig[T]) reset() {
	nan := T(math.NaN())
	for i, v := range r.values {
		for j, x := range v {
			r.in[i].data()[j] = T(x)
		}
	}
	for i := range r.out {
		kernel.Fill(r.out[i].data(), nan)
	}
	kernel.Fill(r.saved.data(), nan)
}

// part is what a slice of an operand holds.
func part[T kernel.Float](o *Operand, b buffer[T], lo, hi int) []T {
	if !o.Present() {
		return nil
	}
	d := b.data()
	if !o.Batched {
		return d
	}
	per := len(d) / samples
	return d[lo*per : hi*per : hi*per]
}

func (r *rig[T]) frame(shard, lo, hi int, first, last, back bool) *Frame[T] {
	f := &Frame[T]{N: hi - lo, At: lo, Shard: shard, First: first, Last: last, Run: 3, Scratch: r.scratch[shard].data()}
	kernel.Fill(f.Scratch, T(math.NaN()))
	for i := range r.in {
		f.In = append(f.In, part(&r.node.In[i], r.in[i], lo, hi))
	}
	for i := range r.out {
		f.Out = append(f.Out, part(&r.k.Out[i], r.out[i], lo, hi))
	}
	if s := r.saved.data(); len(s) > 0 {
		f.Saved = s[lo*r.k.Saved : hi*r.k.Saved : hi*r.k.Saved]
	}
	if !back {
		return f
	}
	f.Fresh = make([]bool, len(r.in))
	for i := range r.in {
		f.Fresh[i] = r.sets(i)
		if r.node.In[i].Batched && !contains(r.k.ReadsIn, i) {
			f.In[i] = nil
		}
		f.DIn = append(f.DIn, nil)
		if d := r.din[i]; d != nil {
			at := 0
			if !r.node.In[i].Batched {
				at = shard
			}
			f.DIn[i] = part(&r.node.In[i], d[at], lo, hi)
		}
	}
	for i := range r.out {
		if r.k.Out[i].Batched && !contains(r.k.ReadsOut, i) {
			f.Out[i] = nil
		}
		f.DOut = append(f.DOut, part(&r.k.Out[i], r.dout[i], lo, hi))
	}
	return f
}

func (r *rig[T]) run(phases []Phase[T], back bool) {
	for at, phase := range phases {
		var wg sync.WaitGroup
		lo := 0
		for shard, ends := range r.cut {
			from := lo
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i, hi := range ends {
					f := r.frame(shard, from, hi, i == 0, i == len(ends)-1, back)
					r.limit(f, at, back)
					phase(f)
					from = hi
				}
			}()
			lo = ends[len(ends)-1]
		}
		wg.Wait()
	}
}

// limit takes from a frame what Kernel says that a phase does not touch.
func (r *rig[T]) limit(f *Frame[T], phase int, back bool) {
	if !back {
		for i := range f.Out {
			if r.k.Out[i].Batched && phase < r.k.OutPhase {
				f.Out[i] = nil
			}
		}
		return
	}
	for i := range f.DIn {
		if r.node.In[i].Batched && r.k.DInPhase != nil && r.k.DInPhase[i] != phase {
			f.DIn[i] = nil
		}
	}
}

// sets says whether backward begins without a gradient of input i.
func (r *rig[T]) sets(i int) bool {
	return r.fresh && r.node.In[i].Batched && contains(r.k.Sets, i)
}

// forward computes the outputs.
func (r *rig[T]) forward() { r.run(r.k.Forward, false) }

// backward computes the gradients for the outputs' gradients v. What Backward does
// not say it reads is poisoned first; base is what the gradients begin with. The
// sums of the shards are added up; inputs without a gradient have nil.
func (r *rig[T]) backward(v [][]float64, base T) [][]float64 {
	nan := T(math.NaN())
	for i := range r.in {
		if !contains(r.k.ReadsIn, i) {
			kernel.Fill(r.in[i].data(), nan)
		}
		for _, d := range r.din[i] {
			kernel.Fill(d.data(), base)
			if r.sets(i) {
				kernel.Fill(d.data(), nan)
			}
		}
	}
	for i := range r.out {
		if !contains(r.k.ReadsOut, i) {
			kernel.Fill(r.out[i].data(), nan)
		}
		for j, x := range v[i] {
			r.dout[i].data()[j] = T(x)
		}
	}
	r.run(r.k.Backward, true)
	grads := make([][]float64, len(r.in))
	for i := range r.in {
		if r.din[i] == nil {
			continue
		}
		shards := r.din[i]
		if r.node.In[i].Batched {
			shards = shards[:1]
		}
		grads[i] = make([]float64, r.node.In[i].Len())
		for _, d := range shards {
			for j, x := range d.data() {
				grads[i][j] += float64(x) - float64(base)
			}
		}
	}
	return grads
}

// check looks at the guards.
func (r *rig[T]) check() {
	r.t.Helper()
	all := append(append(append([]buffer[T]{r.saved}, r.in...), r.out...), r.dout...)
	all = append(all, r.scratch...)
	for _, d := range r.din {
		all = append(all, d...)
	}
	for _, b := range all {
		if !b.intact() {
			r.t.Fatal("wrote outside a buffer")
		}
	}
}

// checkInputs fails where Forward changed an input that is no state.
func (r *rig[T]) checkInputs(o *Op) {
	r.t.Helper()
	for i, v := range r.values {
		if contains(o.State, i) && r.node.Training {
			continue
		}
		for j, x := range v {
			if r.in[i].data()[j] != T(x) {
				r.t.Fatalf("Forward changed input %d", i)
			}
		}
	}
}

// directions are random gradients of the outputs.
func directions[T kernel.Float](r *rig[T], seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	var v [][]float64
	for i := range r.out {
		d := make([]float64, r.k.Out[i].Len())
		for j := range d {
			d[j] = float64(float32(rng.NormFloat64()))
		}
		v = append(v, d)
	}
	return v
}

// eachCase runs a test on every case of every operator.
func eachCase(t *testing.T, test func(t *testing.T, o *Op, c *Case)) {
	for _, o := range All() {
		t.Run(strings.TrimPrefix(o.Domain+"."+o.Name, "."), func(t *testing.T) {
			for i := range o.Cases {
				t.Run(o.Cases[i].Name, func(t *testing.T) { test(t, o, &o.Cases[i]) })
			}
		})
	}
}
