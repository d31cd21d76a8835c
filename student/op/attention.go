// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"math"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// Attention is multi-head attention of the standard: inputs of three axes [N, T,
// heads*depth] with q_num_heads and kv_num_heads, or of four, [N, heads, T, depth]. A mask
// of numbers is added to the scores, one of bool selects; shorter masks hide the last
// keys, and a query that sees no key gives zeros. Groups of query heads can share a key
// head. Keys and values of the past, and present ones and scores as outputs, are computed
// and cannot be trained through.
//
// https://onnx.ai/onnx/operators/onnx__Attention.html; see Attending.
// Since opset 23; 24 brought nonpad_kv_seqlen.
var _ = register(Op{
	Name: "Attention", Since: 23, Fixed: []int{6},
	Bind32: bindAttention[float32], Bind64: bindAttention[float64],
	Cases: attentionCases(),
})

func bindAttention[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(3, 7, 4); err != nil {
		return nil, err
	}
	a, err := n.newAttention()
	if err != nil {
		return nil, err
	}
	q, v := &n.In[0], &n.In[2]
	batched := q.Batched
	for i := range n.In {
		if n.Has(i) && n.In[i].Batched != q.Batched && (i < 3 || i > 3 && n.In[i].Batched) {
			batched = false
		}
	}
	if n.Has(3) && n.In[3].Batched && len(n.In[3].Shape) != 4 {
		batched = false
	}
	past := n.Has(4)
	if past && n.In[4].Batched != batched {
		batched = false
	}
	samples := n.count(q.Shape[0], batched)
	keyHeads := a.Heads / a.Group
	shape := []int{q.Shape[0], a.Heads, a.Rows, a.Width}
	if len(q.Shape) == 3 {
		shape = []int{q.Shape[0], a.Rows, a.Heads * a.Width}
	}
	k := result[T](n, shape, batched)
	k.ReadsIn = []int{0, 1, 2}
	k.Saved = (a.saved()*q.Shape[0] + n.Batch - 1) / n.Batch
	k.Scratch = a.scratch()
	more := past
	for i := 1; i < len(n.Outputs); i++ {
		more = more || n.Outputs[i] != ""
	}
	if more {
		for _, width := range []int{a.Depth, a.Width} {
			k.Out = append(k.Out, Operand{Shape: []int{q.Shape[0], keyHeads, a.Keys, width}, Type: v.Type, Batched: batched})
		}
	}
	stage := int(n.Int("qk_matmul_output_mode", 0))
	if len(n.Outputs) > 3 && n.Outputs[3] != "" {
		k.Out = append(k.Out, Operand{Shape: []int{q.Shape[0], a.Heads, a.Rows, a.Keys}, Type: q.Type, Batched: batched})
	}
	fromK, fromV := a.K, a.V
	if past {
		a.K = Heads{Sample: keyHeads * a.Keys * a.Depth, Head: a.Keys * a.Depth, Row: a.Depth}
		a.V = Heads{Sample: keyHeads * a.Keys * a.Width, Head: a.Keys * a.Width, Row: a.Width}
	}
	lens := func(f *Frame[T]) []T {
		if !n.Has(6) {
			return nil
		}
		if l := f.In[6]; n.In[6].Batched || !batched {
			return l
		}
		return f.In[6][f.At*samples.per:]
	}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		o := attended[T]{q: f.In[0], k: f.In[1], v: f.In[2], mask: operand(f.In, 3), y: f.Out[0], saved: f.Saved, scratch: f.Scratch, lens: lens(f)}
		s := samples.of(f.N)
		if more {
			present(f.Out[1], operand(f.In, 4), f.In[1], fromK, s, keyHeads, a.Before, a.Keys, a.Depth)
			present(f.Out[2], operand(f.In, 5), f.In[2], fromV, s, keyHeads, a.Before, a.Keys, a.Width)
		}
		if past {
			o.k, o.v = f.Out[1], f.Out[2]
		}
		if o.stage = stage; len(f.Out) > 3 {
			o.raw = f.Out[3]
		}
		attendForward(a, s, &o)
	}}
	if more {
		return k, nil
	}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		o := attended[T]{q: f.In[0], k: f.In[1], v: f.In[2], dq: f.DIn[0], dk: f.DIn[1], dv: f.DIn[2], dmask: operand(f.DIn, 3),
			dy: f.DOut[0], saved: f.Saved, scratch: f.Scratch}
		attendBackward(a, samples.of(f.N), &o)
	}}
	return k, nil
}

// present writes the keys or values of the past and those given to one tensor.
func present[T kernel.Float](out, past, given []T, from Heads, samples, heads, before, keys, width int) {
	for s := range samples {
		for h := range heads {
			at := (s*heads + h) * keys * width
			if before > 0 {
				copy(out[at:][:before*width], past[(s*heads+h)*before*width:])
			}
			for i := before; i < keys; i++ {
				copy(out[at+i*width:][:width], given[from.at(s, h)+(i-before)*from.Row:])
			}
		}
	}
}

// newAttention reads shapes and attributes. K and V are laid out as the inputs are.
func (n *Node) newAttention() (*Attending, error) {
	q, k, v := n.In[0].Shape, n.In[1].Shape, n.In[2].Shape
	a := &Attending{Causal: n.Int("is_causal", 0) != 0, Softcap: float64(n.Float("softcap", 0))}
	rank := len(q)
	if rank != 3 && rank != 4 || len(k) != rank || len(v) != rank || k[0] != q[0] || v[0] != q[0] {
		return nil, fmt.Errorf("inputs Q, K and V have shapes %v, %v and %v", q, k, v)
	}
	keyHeads := 0
	if rank == 4 {
		a.Heads, keyHeads = q[1], k[1]
		a.Rows, a.Keys, a.Depth, a.Width = q[2], k[2], q[3], v[3]
		if k[3] != a.Depth || v[1] != keyHeads || v[2] != a.Keys {
			return nil, fmt.Errorf("inputs Q, K and V of shapes %v, %v and %v do not fit each other", q, k, v)
		}
		a.Q = Heads{Sample: a.Heads * a.Rows * a.Depth, Head: a.Rows * a.Depth, Row: a.Depth}
		a.K = Heads{Sample: keyHeads * a.Keys * a.Depth, Head: a.Keys * a.Depth, Row: a.Depth}
		a.V = Heads{Sample: keyHeads * a.Keys * a.Width, Head: a.Keys * a.Width, Row: a.Width}
		a.Y = Heads{Sample: a.Heads * a.Rows * a.Width, Head: a.Rows * a.Width, Row: a.Width}
	} else {
		a.Heads, keyHeads = int(n.Int("q_num_heads", 0)), int(n.Int("kv_num_heads", 0))
		if a.Heads < 1 || keyHeads < 1 || q[2]%a.Heads != 0 || k[2]%keyHeads != 0 || v[2]%keyHeads != 0 {
			return nil, fmt.Errorf("q_num_heads %d and kv_num_heads %d do not divide shapes %v, %v and %v", a.Heads, keyHeads, q, k, v)
		}
		a.Rows, a.Keys, a.Depth, a.Width = q[1], k[1], q[2]/a.Heads, v[2]/keyHeads
		if k[2]/keyHeads != a.Depth || v[1] != a.Keys {
			return nil, fmt.Errorf("inputs Q, K and V of shapes %v, %v and %v do not fit each other", q, k, v)
		}
		a.Q = Heads{Sample: q[1] * q[2], Head: a.Depth, Row: q[2]}
		a.K = Heads{Sample: k[1] * k[2], Head: a.Depth, Row: k[2]}
		a.V = Heads{Sample: v[1] * v[2], Head: a.Width, Row: v[2]}
		a.Y = Heads{Sample: a.Rows * a.Heads * a.Width, Head: a.Width, Row: a.Heads * a.Width}
	}
	if keyHeads < 1 || a.Heads%keyHeads != 0 {
		return nil, fmt.Errorf("%d query heads cannot share %d key heads", a.Heads, keyHeads)
	}
	a.Group = a.Heads / keyHeads
	if a.Scale = float64(n.Float("scale", 0)); n.Attr("scale") == nil {
		a.Scale = 1 / math.Sqrt(float64(a.Depth))
	}
	if n.Has(4) != n.Has(5) {
		return nil, fmt.Errorf("past_key and past_value go together")
	}
	if n.Has(4) {
		past := n.In[4].Shape
		if len(past) != 4 || past[0] != q[0] || past[1] != keyHeads || past[3] != a.Depth || len(n.In[5].Shape) != 4 || n.In[5].Shape[2] != past[2] {
			return nil, fmt.Errorf("past_key and past_value have shapes %v and %v", past, n.In[5].Shape)
		}
		a.Before = past[2]
		a.Keys += a.Before
	}
	if n.Has(6) && n.In[6].Len() != q[0] {
		return nil, fmt.Errorf("nonpad_kv_seqlen has shape %v, wants [%d]", n.In[6].Shape, q[0])
	}
	if !n.Has(3) {
		return a, nil
	}
	var err error
	a.Mask, err = NewAttentionMask(n.In[3].Shape, n.In[3].Type == onnx.Bool, []int{q[0], a.Heads, a.Rows, a.Keys})
	return a, err
}

// NewAttentionMask reads the steps of a mask that broadcasts to scores [N, heads, queries,
// keys]. Its last axis may be shorter.
func NewAttentionMask(shape []int, ofBool bool, scores []int) (*AttentionMask, error) {
	m := &AttentionMask{Keys: scores[3], Bool: ofBool}
	into := []*int{&m.Sample, &m.Head, &m.Row, &m.Col}
	if len(shape) > 4 {
		return nil, fmt.Errorf("the mask has shape %v, wants four axes at most", shape)
	}
	step := 1
	for j := 1; j <= len(shape); j++ {
		d, want := shape[len(shape)-j], scores[4-j]
		switch {
		case j == 1 && d != 1 && d < want:
			m.Keys = d
		case d != 1 && d != want:
			return nil, fmt.Errorf("the mask of shape %v does not broadcast to the scores %v", shape, scores)
		}
		if d != 1 {
			*into[4-j] = step
		}
		step *= d
	}
	return m, nil
}

func attentionCases() []Case {
	three := []onnx.Attr{onnx.Int("q_num_heads", 2), onnx.Int("kv_num_heads", 2)}
	const narrow = "the runtime wants a mask of all queries and keys"
	in := func(shapes ...[]int) []Arg {
		args := []Arg{}
		for i, s := range shapes {
			args = append(args, Arg{Shape: s, Batched: i < 3})
		}
		return args
	}
	four := in([]int{5, 2, 3, 4}, []int{5, 2, 6, 4}, []int{5, 2, 6, 3})
	bools := Arg{Shape: []int{3, 6}, Lo: 0, Hi: 2, Type: onnx.Bool}
	perSample := Arg{Shape: []int{5, 1, 1, 6}, Batched: true}
	return []Case{
		{Name: "three axes", Opset: 23, Attrs: three, In: in([]int{5, 3, 8}, []int{5, 4, 8}, []int{5, 4, 6})},
		{Name: "four axes", Opset: 23, In: four},
		{Name: "two a sample", Opset: 23, In: in([]int{10, 2, 3, 4}, []int{10, 2, 6, 4}, []int{10, 2, 6, 3})},
		{Name: "shared heads", Opset: 23, In: in([]int{5, 4, 3, 4}, []int{5, 2, 6, 4}, []int{5, 2, 6, 3})},
		{Name: "causal", Opset: 23, Attrs: []onnx.Attr{onnx.Int("is_causal", 1)}, In: four},
		{Name: "scale and softcap", Opset: 23, Attrs: []onnx.Attr{onnx.Float("scale", 0.7), onnx.Float("softcap", 0.5)}, In: four},
		{Name: "mask", Opset: 23, In: append(four[:3:3], Arg{Shape: []int{3, 6}})},
		{Name: "mask by head", Opset: 23, In: append(four[:3:3], Arg{Shape: []int{2, 1, 6}}), NoRuntime: narrow},
		{Name: "mask by sample", Opset: 23, In: append(four[:3:3], perSample), NoRuntime: narrow},
		{Name: "short mask", Opset: 23, In: append(four[:3:3], Arg{Shape: []int{3, 4}}), NoRuntime: narrow},
		{Name: "mask of bool", Opset: 23, In: append(four[:3:3], bools)},
		{Name: "lengths", Opset: 24, Attrs: []onnx.Attr{onnx.Int("is_causal", 1)},
			In: append(four[:3:3], Arg{Omit: true}, Arg{Omit: true}, Arg{Omit: true}, Arg{Shape: []int{5}, Ints: []int64{6, 3, 4, 5, 6}})},
		{Name: "past and present", Opset: 23, Outputs: 4, ForwardOnly: true,
			In: append(four[:3:3], Arg{Omit: true}, Arg{Shape: []int{5, 2, 2, 4}, Batched: true}, Arg{Shape: []int{5, 2, 2, 3}, Batched: true})},
		{Name: "weights", Opset: 23, In: []Arg{{Shape: []int{2, 2, 3, 4}, Shared: true}, {Shape: []int{2, 2, 3, 4}}, {Shape: []int{2, 2, 3, 4}}}},
	}
}
