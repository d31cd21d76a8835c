// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/engine"
	"github.com/kdcompress/kdcompress/student/op"
	"github.com/kdcompress/kdcompress/student/optim"
)

// opset is the version all nets are written in.
const opset = 20

// bench is the open net and what trains it.
type bench struct {
	threads int
	shards  int
	bf16    bool
	library string
	idle    int64 // bytes resident before there is a net
	plan    *engine.Plan[float32]
	params  *engine.Params[float32]
	adam    *optim.AdamW
}

// opened describes a compiled net.
type opened struct {
	Weights int     `json:"weights"` // trainable numbers
	MACs    float64 `json:"macs"`    // multiply-adds of a forward pass over the batch
	Bytes   int64   `json:"bytes"`   // of the plan beside the weights
}

// open compiles the named net over random data.
func (b *bench) open(name string) (*opened, error) {
	i := slices.IndexFunc(nets, func(n net) bool { return n.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no net %q", name)
	}
	n := nets[i]
	b.plan, b.params, b.adam = nil, nil, nil
	g := &onnx.Graph{Name: name}
	d := &draft{Builder: onnx.NewBuilder(g, ""), r: rand.New(rand.NewPCG(1, 2))}
	scores := n.build(d)
	target := d.Input("target", onnx.Float32, onnx.Symbolic("N"), onnx.Fixed(classes))
	loss := d.divergence(scores, target)
	if missing := unknown(g); missing != "" {
		return nil, errors.New("operators the engine has not: " + missing)
	}
	params, err := engine.NewParams[float32](g, nil)
	if err != nil {
		return nil, err
	}
	plan, err := engine.Compile(g, params, engine.Options{Batch: n.batch, Shards: b.shards, Opset: opset, Training: true, Losses: []string{loss}, BF16: b.bf16})
	if err != nil {
		return nil, err
	}
	for _, v := range g.Inputs {
		in := plan.Input(v.Name)
		for i := range in {
			if v.Type == onnx.Int64 {
				in[i] = float32(d.r.IntN(vocabulary))
			} else {
				in[i] = float32(d.r.NormFloat64())
			}
		}
	}
	size := len(params.Trainable())
	b.plan, b.params = plan, params
	b.adam = optim.NewAdamW(size, []optim.Range{{Len: size, Rate: 0.01}})
	return &opened{Weights: size, MACs: macs(g, plan.Shape), Bytes: plan.Bytes()}, nil
}

// unknown lists the operators of g that the engine does not know.
func unknown(g *onnx.Graph) string {
	var names []string
	for _, n := range g.Nodes {
		if _, err := op.Lookup(n.Domain, n.OpType, opset); err != nil && !slices.Contains(names, n.OpType) {
			names = append(names, n.OpType)
		}
	}
	return strings.Join(names, ", ")
}

// took is how long an order kept the machine.
type took struct {
	Seconds float64 `json:"seconds"`
}

// steps trains for k steps.
func (b *bench) steps(k int) (*took, error) {
	if b.plan == nil {
		return nil, errors.New("no net is open")
	}
	begin := time.Now()
	for range k {
		if err := b.plan.Run(context.Background()); err != nil {
			return nil, err
		}
		b.adam.Step(b.params.Trainable(), b.params.Grad, 1e-3)
	}
	t := &took{time.Since(begin).Seconds()}
	if loss := b.plan.Loss(); math.IsNaN(loss) || math.IsInf(loss, 0) {
		return nil, fmt.Errorf("the loss became %g", loss)
	}
	return t, nil
}
