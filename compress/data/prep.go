// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
)

// prep turns stored values into what the model gets: (x*scale - mean) / std,
// computed in float64 and rounded once.
type prep struct {
	scale     float64
	mean, std []float64 // of each channel; both of length channels
	channels  int
	run       int            // elements from one channel to the next
	tables    [][256]float32 // of each channel, for values of one byte
	plain     bool           // nothing is done
}

// newPrep resolves the options for an input of the given dimensions. pictures
// says that the source holds 8-bit pictures.
func newPrep(w Want, dims []int, pictures bool, o Options) (prep, error) {
	p := prep{scale: 1, mean: []float64{0}, std: []float64{1}, channels: 1, run: elements(dims)}
	if w.whole() {
		p.plain = true
		return p, nil
	}
	switch {
	case o.Scale != 0:
		p.scale = o.Scale
	case pictures:
		p.scale = 1.0 / 255
	}
	if len(o.Mean) > 1 || len(o.Std) > 1 {
		var err error
		if p.channels, p.run, err = channelsOf(dims, o.Layout); err != nil {
			return p, err
		}
	}
	var err error
	if p.mean, err = spread("mean", o.Mean, 0, p.channels, dims); err != nil {
		return p, err
	}
	if p.std, err = spread("std", o.Std, 1, p.channels, dims); err != nil {
		return p, err
	}
	p.plain = p.scale == 1
	for c := range p.channels {
		p.plain = p.plain && p.mean[c] == 0 && p.std[c] == 1
	}
	return p, nil
}

// channelsOf counts the channels of a sample and the elements between one and
// the next: the columns of a flat one, else the channel axis of its layout.
func channelsOf(dims []int, layout string) (channels, run int, err error) {
	if len(dims) == 1 {
		return dims[0], 1, nil
	}
	switch layout = layoutOf(dims, layout); {
	case len(dims) == 0 || layout == "":
		return 0, 0, fmt.Errorf("mean and std have a value for each channel, but which axis of %s is the channels' is open: say --layout", dimsText(dims))
	case layout == nchw:
		return dims[0], elements(dims[1:]), nil
	}
	return dims[len(dims)-1], 1, nil
}

// spread gives every channel its value.
func spread(what string, given []float64, none float64, channels int, dims []int) ([]float64, error) {
	v := make([]float64, channels)
	for c := range v {
		switch len(given) {
		case 0:
			v[c] = none
		case 1:
			v[c] = given[0]
		case channels:
			v[c] = given[c]
		default:
			return nil, fmt.Errorf("%s has %d values for the %d channels of %s: give one, or one each", what, len(given), channels, dimsText(dims))
		}
	}
	return v, nil
}

func (p *prep) value(x float64, c int) float32 {
	return float32((x*p.scale - p.mean[c]) / p.std[c])
}

// tabulate computes the results for every value of a one-byte type.
func (p *prep) tabulate(k kind) {
	p.tables = make([][256]float32, p.channels)
	for c := range p.tables {
		for b := range 256 {
			p.tables[c][b] = p.value(k.at([]byte{byte(b)}, 0), c)
		}
	}
}

// apply converts len(dst) elements of a sample. One-byte types go by the tables.
func (p *prep) apply(dst []float32, src []byte, k kind) {
	if p.plain {
		k.widen(dst, src)
		return
	}
	if p.tables == nil {
		c := 0
		for i := 0; i < len(dst); i += p.run {
			for j := i; j < i+p.run; j++ {
				dst[j] = p.value(k.at(src, j), c)
			}
			if c++; c == p.channels {
				c = 0
			}
		}
		return
	}
	src = src[:len(dst)]
	if p.run == 1 {
		for i, v := range src {
			dst[i] = p.tables[i%p.channels][v]
		}
		return
	}
	for i, c := 0, 0; i < len(dst); i += p.run {
		t := &p.tables[c]
		for j, v := range src[i : i+p.run] {
			dst[i+j] = t[v]
		}
		if c++; c == p.channels {
			c = 0
		}
	}
}
