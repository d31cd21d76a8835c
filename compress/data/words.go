// SPDX-License-Identifier: Apache-2.0

package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Preprocessing says in words what is done to the source's values, as in
// "x/255, then (x-0.1307)/0.3081, gray, 28x28, NCHW".
func (s *Set) Preprocessing() string {
	var parts []string
	for _, f := range s.src.fields {
		words := f.words
		if len(s.src.fields) > 1 {
			words = clean(f.want.Name) + ": " + words
		}
		parts = append(parts, words)
	}
	return strings.Join(parts, "; ")
}

// Digest is the SHA-256, in hexadecimal, of everything that is done between the
// source's values and the model's: the same for two sets means that samples of
// the same Key give the same values.
func (s *Set) Digest() string {
	h := sha256.New()
	for _, f := range s.src.fields {
		fmt.Fprintf(h, "dims %v transpose %d %d scale %s run %d", f.dims, f.rows, f.cols, number(f.prep.scale), f.prep.run)
		for c := range f.prep.mean {
			fmt.Fprintf(h, " %s %s", number(f.prep.mean[c]), number(f.prep.std[c]))
		}
		switch c := f.col.(type) {
		case *gallery:
			fmt.Fprintf(h, " picture triangle-chroma bilinear %d %d %d %v %s", c.h, c.w, c.channels, c.bgr, c.layout)
		case *resized:
			fmt.Fprintf(h, " array bilinear %d %d", c.scaler.to.h, c.scaler.to.w)
		}
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// words describes the arithmetic.
func (p *prep) words() []string {
	var w []string
	if p.scale != 1 {
		if by := 1 / p.scale; by == math.Trunc(by) && by > 0 {
			w = append(w, "x/"+number(by))
		} else {
			w = append(w, "x*"+number(p.scale))
		}
	}
	if p.plain || allEqual(p.mean, 0) && allEqual(p.std, 1) {
		return w
	}
	n := "(x-" + values(p.mean) + ")/" + values(p.std)
	if len(w) > 0 {
		n = "then " + n
	}
	return append(w, n)
}

func allEqual(v []float64, x float64) bool {
	for _, e := range v {
		if e != x {
			return false
		}
	}
	return true
}

// values writes one value for all channels, or a few in brackets.
func values(v []float64) string {
	if allEqual(v, v[0]) {
		return number(v[0])
	}
	const most = 4
	var parts []string
	for _, e := range v[:min(most, len(v))] {
		parts = append(parts, number(e))
	}
	if len(v) > most {
		parts = append(parts, fmt.Sprintf("... %d in all", len(v)))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// arrayWords describes what is done to rows of an array.
func arrayWords(f field, o Options) string {
	w := f.prep.words()
	if len(w) == 0 {
		w = append(w, "values as stored")
	}
	layout := layoutOf(f.dims, o.Layout)
	if len(f.dims) == 3 && layout != "" {
		c, h, wd := f.dims[0], f.dims[1], f.dims[2]
		if layout == nhwc {
			h, wd, c = f.dims[0], f.dims[1], f.dims[2]
		}
		channels := fmt.Sprintf("%d channels", c)
		if c == 1 {
			channels = "gray"
		}
		w = append(w, channels, fmt.Sprintf("%dx%d", h, wd), strings.ToUpper(layout))
	} else {
		w = append(w, dimsText(f.dims))
	}
	if f.rows > 0 {
		w = append(w, "channels moved")
	}
	return strings.Join(w, ", ")
}
