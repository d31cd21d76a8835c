// SPDX-License-Identifier: Apache-2.0

package target

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kdcompress/kdcompress/onnx"
)

// Encoding is how a row of numbers is kept: "" or "float32" as it is, "float16"
// rounded, "topk:K@T" as the K largest logits (float16, with their classes) and
// the logarithm of the sum of exp(z/T) over the others.
//
// Of an answer kept by its largest logits the others come back equal, with their
// sum at temperature T as it was: exact for a loss that softens by T, and for every
// temperature in the K classes alone. Whatever stands in a row behind the logits,
// the taps, is float16 in both short forms.
type Encoding string

// Check says why an encoding cannot be used for rows of so many logits.
func (e Encoding) Check(width int) error {
	k, t, err := e.top()
	switch {
	case err != nil:
		return err
	case k == 0:
		return nil
	case k >= width || width > math.MaxUint16+1:
		return fmt.Errorf("encoding %q keeps %d of %d logits: it is for more logits than it keeps, up to %d", e, k, width, math.MaxUint16+1)
	case !(t > 0):
		return fmt.Errorf("encoding %q: the temperature is not above 0", e)
	}
	return nil
}

// top is how many logits are kept and the temperature of the rest's sum; 0 where
// all are kept.
func (e Encoding) top() (k int, t float64, err error) {
	switch e {
	case "", "float32", "float16":
		return 0, 0, nil
	}
	text, ok := strings.CutPrefix(string(e), "topk:")
	number, temperature, at := strings.Cut(text, "@")
	if k, err = strconv.Atoi(number); !ok || !at || err != nil || k < 1 {
		return 0, 0, fmt.Errorf("encoding %q is none of float32, float16 and topk:K@TEMPERATURE", e)
	}
	if t, err = strconv.ParseFloat(temperature, 64); err != nil {
		return 0, 0, fmt.Errorf("encoding %q is none of float32, float16 and topk:K@TEMPERATURE", e)
	}
	return k, t, nil
}

// plain says that numbers are kept as they are.
func (e Encoding) plain() bool { return e == "" || e == "float32" }

// bytes is the size of a row of so many logits and of so many numbers of taps.
func (e Encoding) bytes(width, taps int) int {
	k, _, _ := e.top()
	switch {
	case e.plain():
		return 4 * (width + taps)
	case k > 0:
		return 4*k + 4 + 2*taps
	}
	return 2 * (width + taps)
}

// appendRow encodes a row.
func (e Encoding) appendRow(b []byte, row []float32, width int) []byte {
	if e.plain() {
		for _, v := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	z, taps := row[:width], row[width:]
	if k, t, _ := e.top(); k > 0 {
		b = appendTop(b, shortened(z), k, t)
	} else {
		b = append(b, onnx.FloatData(onnx.Float16, shortened(z))...)
	}
	return append(b, onnx.FloatData(onnx.Float16, bounded(taps))...)
}

// largestHalf is the largest number of float16.
const largestHalf = 65504

// shortened brings logits that exceed float16 into its range: the largest becomes
// 0, which no softmax sees, and what is too small then has no probability.
func shortened(z []float32) []float32 {
	if slices.Max(z) <= largestHalf && slices.Min(z) >= -largestHalf {
		return z
	}
	top := slices.Max(z)
	out := make([]float32, len(z))
	for i, v := range z {
		out[i] = max(v-top, -largestHalf)
	}
	return out
}

// bounded cuts numbers to the range of float16.
func bounded(v []float32) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = min(max(x, -largestHalf), largestHalf)
	}
	return out
}

func appendTop(b []byte, z []float32, k int, t float64) []byte {
	order := make([]int, len(z))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(z[j], z[i]) })
	top := float64(z[order[0]])
	var rest float64
	for _, c := range order[k:] {
		rest += math.Exp((float64(z[c]) - top) / t)
	}
	for _, c := range order[:k] {
		b = binary.LittleEndian.AppendUint16(b, uint16(c))
		b = append(b, onnx.FloatData(onnx.Float16, z[c:c+1])...)
	}
	tail := top/t + math.Log(max(rest, math.SmallestNonzeroFloat64))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(tail)))
}

// decode reads a row.
func (e Encoding) decode(row []float32, b []byte, width int) {
	if e.plain() {
		for i := range row {
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return
	}
	k, t, _ := e.top()
	if k == 0 {
		halves(row, b)
		return
	}
	tail := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*k:])))
	other := float32(t * (tail - math.Log(float64(width-k))))
	for i := range width {
		row[i] = other
	}
	for i := range k {
		c := int(binary.LittleEndian.Uint16(b[4*i:]))
		if c < width {
			halves(row[c:c+1], b[4*i+2:])
		}
	}
	halves(row[width:], b[4*k+4:])
}

// halves widens float16 numbers.
func halves(dst []float32, b []byte) {
	for i := range dst {
		dst[i] = half[binary.LittleEndian.Uint16(b[2*i:])]
	}
}

// half holds every float16 number.
var half = func() *[1 << 16]float32 {
	var t [1 << 16]float32
	for h := range t {
		exp, frac := h>>10&0x1f, float64(h&0x3ff)
		var v float64
		switch {
		case exp == 0x1f && frac != 0:
			v = math.NaN()
		case exp == 0x1f:
			v = math.Inf(1)
		case exp == 0:
			v = math.Ldexp(frac, -24)
		default:
			v = math.Ldexp(1+frac/1024, exp-15)
		}
		if h&0x8000 != 0 {
			v = -v
		}
		t[h] = float32(v)
	}
	return &t
}()
