// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// This program writes the loops over slices of each instruction set, vectors_*.s,
// with their declarations beside them. Products and sums are rounded one by one,
// in the order of the plain loops, so that all yield the same bits.
package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// loop is a function of a number of blocks of eight, slices and scalars.
//
// Each line of its body is a step on one vector, "result = operation operands".
// Operands are P and R to W, registers of the vector, M, a mask, scalars by name,
// zero, and constants in braces. load and store reach the vector's part of a slice.
// The order of two operands matters beyond signs: of min and max the second is the
// result where either is NaN, or both are zero.
type loop struct {
	name     string
	pointers string
	scalars  string
	unroll   int
	body     string
}

var loops = []loop{
	{"Relu", "y x", "", 4, `
		T = load x
		T = relu T
		store y T`},
	{"ReluGrad", "dx dy y", "", 4, `
		T = load y
		M = gt T zero
		T = load dy
		T = keep M T
		U = load dx
		T = add U T
		store dx T`},
	{"Clip", "y x", "lo hi", 2, `
		T = load x
		T = max lo T
		T = min hi T
		store y T`},
	{"Between", "dx dy y", "lo hi", 2, `
		T = load y
		U = load dy
		M = gt T lo
		U = keep M U
		M = gt hi T
		U = keep M U
		store dx U`},
	{"AddBetween", "dx dy y", "lo hi", 2, `
		T = load y
		U = load dy
		M = gt T lo
		U = keep M U
		M = gt hi T
		U = keep M U
		T = load dx
		T = add T U
		store dx T`},
	{"ClipGrad", "dx dy x", "low high", 2, `
		T = load x
		U = load dy
		M = gt low T
		U = sel M zero U
		M = gt T high
		U = sel M zero U
		T = load dx
		T = add T U
		store dx T`},
	{"LeakyRelu", "y x", "alpha", 2, `
		T = load x
		U = mul T alpha
		M = gt zero T
		T = sel M U T
		store y T`},
	{"LeakyReluGrad", "dx dy x", "alpha", 2, `
		T = load dy
		U = mul T alpha
		V = load x
		M = gt zero V
		T = sel M U T
		U = load dx
		T = add U T
		store dx T`},
	{"HardSigmoid", "y x", "alpha beta", 2, `
		T = load x
		T = mul T alpha
		T = add T beta
		T = min {one} T
		T = max zero T
		store y T`},
	{"HardSigmoidGrad", "dx dy x", "alpha beta", 2, `
		T = load x
		T = mul T alpha
		T = add T beta
		U = load dy
		U = mul U alpha
		M = gt T zero
		U = keep M U
		M = gt {one} T
		U = keep M U
		T = load dx
		T = add T U
		store dx T`},
	{"HardSwish", "y x", "", 2, `
		T = load x
		U = mul T {sixth}
		U = add U {half}
		U = min {one} U
		U = max zero U
		T = mul T U
		store y T`},
	{"HardSwishGrad", "dx dy x", "", 2, `
		T = load x
		U = mul T {third}
		U = add U {half}
		M = gt T {minusthree}
		U = keep M U
		M = gt {three} T
		U = sel M U {one}
		T = load dy
		U = mul T U
		T = load dx
		T = add T U
		store dx T`},
	{"Scal", "x", "a", 4, `
		T = load x
		T = mul T a
		store x T`},
	{"Add", "y x", "", 4, `
		T = load y
		U = load x
		T = add T U
		store y T`},
	{"Axpy", "y x", "a", 4, `
		T = load x
		T = mul T a
		U = load y
		T = add U T
		store y T`},
	{"AddTo", "c a b", "", 4, `
		T = load a
		U = load b
		T = add T U
		store c T`},
	{"MulTo", "c a b", "", 4, `
		T = load a
		U = load b
		T = mul T U
		store c T`},
	{"AddMul", "c a b", "", 4, `
		T = load a
		U = load b
		T = mul T U
		U = load c
		T = add U T
		store c T`},
	{"AddScaled", "c a b", "s", 4, `
		T = load b
		T = mul T s
		U = load a
		T = add U T
		store c T`},
	{"Normalize", "y x", "mean a o", 2, `
		T = load x
		T = sub T mean
		T = mul T a
		T = add T o
		store y T`},
	{"NormalizeGrad", "dx dy x", "mean a u v", 2, `
		T = load x
		T = sub T mean
		T = mul T v
		U = load dy
		U = sub U u
		U = sub U T
		U = mul U a
		T = load dx
		T = add T U
		store dx T`},
	{"TakeLarger", "y arg v", "at", 2, `
		T = load v
		U = load y
		M = beats T U
		U = sel M T U
		store y U
		T = load arg
		T = sel M at T
		store arg T`},
	{"AdamW", "w grad m v", "beta1 rest1 beta2 rest2 keep step root eps", 1, `
		T = load grad
		U = mul T rest2
		U = mul U T
		T = mul T rest1
		V = load m
		V = mul V beta1
		V = add V T
		store m V
		T = load v
		T = mul T beta2
		T = add T U
		store v T
		T = sqrt T
		T = mul T root
		T = add T eps
		V = mul V step
		V = div V T
		T = load w
		T = mul T keep
		T = sub T V
		store w T`},
	{"Exp", "y x", "", 1, "T = load x" + exponential + `
		store y V`},
	{"ExpShifted", "y x", "top", 1, `
		T = load x
		T = sub T top` + exponential + `
		store y V`},
	{"SoftmaxGrad", "dx dy y", "mean", 4, `
		T = load dy
		T = sub T mean
		U = load y
		T = mul U T
		U = load dx
		T = add U T
		store dx T`},
	{"Sigmoid", "y x", "", 1, `
		T = load x
		T = sub zero T` + exponential + `
		V = add V {one}
		V = div {one} V
		store y V`},
	{"SigmoidGrad", "dx dy y", "", 2, `
		T = load y
		U = load dy
		U = mul U T
		T = sub {one} T
		U = mul U T
		T = load dx
		T = add T U
		store dx T`},
	{"Tanh", "y x", "", 1, `
		W = load x
		W = abs W
		T = add W W` + exponential + `
		V = add V {one}
		V = div {two} V
		V = sub {one} V
		T = mul W W
		U = mul T {tanh4}
		U = add U {tanh3}
		U = mul U T
		U = add U {tanh2}
		U = mul U T
		U = add U {tanh1}
		U = mul U T
		U = add U {tanh0}
		U = mul U T
		U = mul U W
		U = add U W
		M = gt {tanhsmall} W
		V = sel M U V
		T = load x
		T = and T {sign}
		V = or V T
		store y V`},
	{"TanhGrad", "dx dy y", "", 2, `
		T = load y
		T = mul T T
		T = sub {one} T
		U = load dy
		T = mul U T
		U = load dx
		T = add U T
		store dx T`},
	{"Erf", "y x", "", 1, `
		W = load x
		W = abs W
		R = mul W {tailscale2}` + tail + `
		T = mul W W
		P = mul T {erf6}
		P = add P {erf5}
		P = mul P T
		P = add P {erf4}
		P = mul P T
		P = add P {erf3}
		P = mul P T
		P = add P {erf2}
		P = mul P T
		P = add P {erf1}
		P = mul P T
		P = add P {erf0}
		P = mul P W
		T = sub zero T` + exponential + `
		R = mul R V
		R = add R R
		R = sub {one} R
		M = gt {one} W
		R = sel M P R
		T = load x
		T = and T {sign}
		R = or R T
		store y R`},
	{"ErfGrad", "dx dy x", "", 1, `
		T = load x
		T = mul T T
		T = sub zero T` + exponential + `
		V = mul V {erfslope}
		T = load dy
		V = mul T V
		T = load dx
		T = add T V
		store dx T`},
	{"Gelu", "y x", "", 1, normal + `
		T = mul T R
		store y T`},
	{"GeluGrad", "dx dy x", "", 1, normal + `
		V = mul V {density}
		V = mul V T
		R = add R V
		T = load dy
		R = mul T R
		T = load dx
		T = add T R
		store dx T`},
	{"GeluTanh", "y x", "", 1, `
		T = load x
		U = mul T T
		U = mul U {cube}
		U = add U {line}
		T = mul U T
		T = sub zero T` + exponential + `
		V = add V {one}
		T = load x
		V = div T V
		store y V`},
	{"GeluTanhGrad", "dx dy x", "", 1, `
		T = load x
		W = mul T T
		R = mul W {cube3}
		R = add R {line}
		W = mul W {cube}
		W = add W {line}
		T = mul W T
		T = sub zero T` + exponential + `
		V = add V {one}
		V = div {one} V
		T = sub {one} V
		T = mul T R
		W = load x
		T = mul T W
		T = add T {one}
		V = mul V T
		T = load dy
		V = mul T V
		T = load dx
		T = add T V
		store dx T`},
	{"Swish", "y x", "alpha", 1, `
		T = load x
		T = mul T alpha
		T = sub zero T` + exponential + `
		V = add V {one}
		T = load x
		V = div T V
		store y V`},
	{"SwishGrad", "dx dy x", "alpha", 1, `
		W = load x
		W = mul W alpha
		T = sub zero W` + exponential + `
		V = add V {one}
		V = div {one} V
		T = sub {one} V
		T = mul T W
		T = add T {one}
		V = mul V T
		T = load dy
		V = mul T V
		T = load dx
		T = add T V
		store dx T`},
}

// exponential is exp32: V becomes the exponential of T. U is the power of two.
const exponential = `
		T = min {high} T
		T = max {low} T
		U = mul T {log2e}
		U = round U
		V = mul U {ln2high}
		T = sub T V
		V = mul U {ln2low}
		T = sub T V
		V = mul T {p5}
		V = add V {p4}
		V = mul V T
		V = add V {p3}
		V = mul V T
		V = add V {p2}
		V = mul V T
		V = add V {p1}
		V = mul V T
		V = add V {p0}
		V = mul V T
		V = mul V T
		V = add V T
		V = add V {one}
		U = toint U
		T = half U
		U = isub U T
		T = iadd T {bias}
		U = iadd U {bias}
		T = exponent T
		U = exponent U
		V = mul V T
		V = mul V U`

// tail is tail32 without the exponential, of R in its first step.
const tail = `
		R = add R {one}
		R = div {one} R
		V = mul R {tail8}
		V = add V {tail7}
		V = mul V R
		V = add V {tail6}
		V = mul V R
		V = add V {tail5}
		V = mul V R
		V = add V {tail4}
		V = mul V R
		V = add V {tail3}
		V = mul V R
		V = add V {tail2}
		V = mul V R
		V = add V {tail1}
		V = mul V R
		V = add V {tail0}
		R = mul V R`

// normal is normal32: T becomes the element of x, R its cumulative probability and
// V the exponential of minus half its square.
const normal = `
		T = load x
		R = abs T
		R = mul R {tailscale}` + tail + `
		T = mul T T
		T = mul T {minushalf}` + exponential + `
		R = mul R V
		T = load x
		U = sub {one} R
		M = gt T zero
		R = sel M U R`

// constants are those of the plain loops, and their names in braces.
var constants = []struct {
	name string
	bits uint32
}{
	{"high", math.Float32bits(89)},
	{"low", math.Float32bits(-104)},
	{"log2e", math.Float32bits(1.44269504088896341)},
	{"ln2high", math.Float32bits(0.693359375)},
	{"ln2low", math.Float32bits(-2.12194440e-4)},
	{"p5", math.Float32bits(1.9875691500e-4)},
	{"p4", math.Float32bits(1.3981999507e-3)},
	{"p3", math.Float32bits(8.3334519073e-3)},
	{"p2", math.Float32bits(4.1665795894e-2)},
	{"p1", math.Float32bits(1.6666665459e-1)},
	{"p0", math.Float32bits(5.0000001201e-1)},
	{"one", math.Float32bits(1)},
	{"bias", 127},
	{"two", math.Float32bits(2)},
	{"half", math.Float32bits(0.5)},
	{"sixth", math.Float32bits(1.0 / 6)},
	{"third", math.Float32bits(1.0 / 3)},
	{"three", math.Float32bits(3)},
	{"minusthree", math.Float32bits(-3)},
	{"minushalf", math.Float32bits(-0.5)},
	{"sign", 1 << 31},
	{"magnitude", 1<<31 - 1},
	{"tanhsmall", math.Float32bits(0.625)},
	{"tanh4", math.Float32bits(-5.70498872745e-3)},
	{"tanh3", math.Float32bits(2.06390887954e-2)},
	{"tanh2", math.Float32bits(-5.37397155531e-2)},
	{"tanh1", math.Float32bits(1.33314422036e-1)},
	{"tanh0", math.Float32bits(-3.33332819422e-1)},
	{"erf6", math.Float32bits(7.853861353153693e-5)},
	{"erf5", math.Float32bits(-8.010193625184903e-4)},
	{"erf4", math.Float32bits(5.188327685732524e-3)},
	{"erf3", math.Float32bits(-2.685381193529856e-2)},
	{"erf2", math.Float32bits(1.128358514861418e-1)},
	{"erf1", math.Float32bits(-3.761262582423300e-1)},
	{"erf0", math.Float32bits(1.128379165726710)},
	{"erfslope", math.Float32bits(2 / 1.7724538509055159)},
	{"density", math.Float32bits(0.3989422804014327)},
	{"line", math.Float32bits(1.5957691216057308)},
	{"cube", math.Float32bits(1.5957691216057308 * 0.044715)},
	{"cube3", math.Float32bits(1.5957691216057308 * 0.044715 * 3)},
	{"tailscale", math.Float32bits(0.35)},
	{"tailscale2", math.Float32bits(0.35 * math.Sqrt2)},
	{"tail8", math.Float32bits(-0.029158029705286026)},
	{"tail7", math.Float32bits(0.1440316140651703)},
	{"tail6", math.Float32bits(-0.25584039092063904)},
	{"tail5", math.Float32bits(0.15932124853134155)},
	{"tail4", math.Float32bits(-0.023213393986225128)},
	{"tail3", math.Float32bits(0.10555292665958405)},
	{"tail2", math.Float32bits(0.11982118338346481)},
	{"tail1", math.Float32bits(0.1398635357618332)},
	{"tail0", math.Float32bits(0.139621302485466)},
}

// constant is the index of a constant whose name stands in braces, or -1.
func constant(operand string) int {
	for i, c := range constants {
		if operand == "{"+c.name+"}" {
			return i
		}
	}
	return -1
}

// set is an instruction set that loops can be written in.
type set interface {
	prefix() string
	tag() string             // build constraint
	write(w *writer, l loop) // the loop as a function
}

func main() {
	for _, s := range []set{x86{"Y"}, x86{"Z"}, neon{}} {
		var w writer
		table(&w, s)
		for _, l := range loops {
			s.write(&w, l)
		}
		name := "vectors_" + s.prefix() + "_" + s.tag()
		w.save("gen_vector.go", name+".s")
		declare(&w, s)
		w.saveGo("gen_vector.go", name+".go")
		if n, ok := s.(neon); ok {
			n.reduce(&w)
			w.save("gen_vector.go", "reduce_neon_arm64.s")
		}
	}
}

// signature is the list of a loop's parameters.
func (l loop) signature() string {
	s := "blocks int, " + strings.Join(strings.Fields(l.pointers), ", ") + " *float32"
	if l.scalars != "" {
		s += ", " + strings.Join(strings.Fields(l.scalars), ", ") + " float32"
	}
	return s
}

// begin writes what stands before a loop's first instruction.
func (l loop) begin(w *writer, s set) {
	name := s.prefix() + l.name
	fmt.Fprintf(w, "\n// func %s(%s)\n", name, l.signature())
	fmt.Fprintf(w, "TEXT ·%s(SB), NOSPLIT, $0-%d\n", name, 8+8*len(strings.Fields(l.pointers))+4*len(strings.Fields(l.scalars)))
}

// declare writes the declarations of the loops and the table of them.
func declare(w *writer, s set) {
	fmt.Fprintf(w, "func %sVectors() *vectorLoops {\n\treturn &vectorLoops{\n\t\tname: %q,\n", s.prefix(), s.prefix())
	for _, l := range loops {
		fmt.Fprintf(w, "\t\t%s: %s%s,\n", strings.ToLower(l.name[:1])+l.name[1:], s.prefix(), l.name)
	}
	reducing := s.prefix()
	if reducing == "avx512" {
		reducing = "avx2"
	}
	fmt.Fprintf(w, "\t\tsum: %sSum, dot: %[1]sDot, max: %[1]sMax,\n\t}\n}\n", reducing)
	for _, l := range loops {
		fmt.Fprintf(w, "\n//go:noescape\nfunc %s%s(%s)\n", s.prefix(), l.name, l.signature())
	}
	if reducing != s.prefix() {
		return
	}
	for _, r := range []string{"Sum(blocks int, x *float32) float64", "Dot(blocks int, x, y *float32) float64", "Max(blocks int, x *float32) float32"} {
		fmt.Fprintf(w, "\n//go:noescape\nfunc %s%s\n", s.prefix(), r)
	}
}

// step is a line of a body.
type step struct {
	result, operation string
	operands          []string
}

func (l loop) steps() (all []step) {
	for _, line := range strings.Split(strings.TrimSpace(l.body), "\n") {
		f := strings.Fields(line)
		if f[0] == "store" {
			all = append(all, step{"", f[0], f[1:]})
		} else {
			all = append(all, step{f[0], f[2], f[3:]})
		}
	}
	return all
}

// index is the position of a name in a list of names, or -1.
func index(list, name string) int {
	for i, s := range strings.Fields(list) {
		if s == name {
			return i
		}
	}
	return -1
}

// register is the number of a vector's own register, in the order in which they are
// first set, or -1 where the name is not that of one.
func (l loop) register(name string) int {
	var seen []string
	for _, s := range l.steps() {
		if s.result != "" && !slices.Contains(seen, s.result) {
			seen = append(seen, s.result)
		}
	}
	return slices.Index(seen, name)
}
