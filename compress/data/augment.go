// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Augment says how samples are changed before teacher and student see them. The
// zero value changes nothing.
type Augment struct {
	Crop   int     // pictures are moved by up to so many pixels either way
	Flip   bool    // pictures are mirrored left to right, every other time
	Erase  float64 // share of pictures in which a rectangle is blotted out
	Shift  int     // series are moved along their last axis by up to so many steps
	Noise  float64 // deviation of normal numbers added to what the model gets
	Mixup  bool    // lambda*x + (1-lambda)*y with another sample y, lambda from [0, 1]
	CutMix bool    // a rectangle of a picture is replaced by that of another
}

// ParseAugment reads "crop:2,flip,mixup".
func ParseAugment(text string) (Augment, error) {
	var a Augment
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" || part == "none" {
			continue
		}
		name, number, given := strings.Cut(part, ":")
		v, err := strconv.ParseFloat(number, 64)
		if given && (err != nil || !(v > 0) || math.IsInf(v, 0)) {
			return a, fmt.Errorf("augmentation %q: %q is not a number above 0", part, number)
		}
		takes := slices.Contains([]string{"crop", "erase", "shift", "noise"}, name)
		if given != takes {
			return a, fmt.Errorf("augmentation %q: crop:PIXELS, flip, erase:SHARE, shift:STEPS, noise:DEVIATION, mixup and cutmix are known", part)
		}
		switch name {
		case "crop":
			a.Crop = int(v)
		case "flip":
			a.Flip = true
		case "erase":
			a.Erase = min(v, 1)
		case "shift":
			a.Shift = int(v)
		case "noise":
			a.Noise = v
		case "mixup":
			a.Mixup = true
		case "cutmix":
			a.CutMix = true
		default:
			return a, fmt.Errorf("augmentation %q: crop:PIXELS, flip, erase:SHARE, shift:STEPS, noise:DEVIATION, mixup and cutmix are known", part)
		}
	}
	return a, nil
}

// String is what ParseAugment reads; "" for no change.
func (a Augment) String() string {
	var parts []string
	number := func(name string, v float64) {
		if v > 0 {
			parts = append(parts, name+":"+strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	flag := func(name string, on bool) {
		if on {
			parts = append(parts, name)
		}
	}
	number("crop", float64(a.Crop))
	flag("flip", a.Flip)
	number("erase", a.Erase)
	number("shift", float64(a.Shift))
	number("noise", a.Noise)
	flag("mixup", a.Mixup)
	flag("cutmix", a.CutMix)
	return strings.Join(parts, ",")
}

// plane is a sample read as channels of a picture: element (c, y, x) lies at
// c*perChannel + y*perRow + x*perColumn.
type plane struct {
	channels, height, width       int
	perChannel, perRow, perColumn int
	blank                         []float32 // what stands for black, a channel
}

// planeOf reads the samples of a field as pictures; ok is false where they are not.
func (f *field) planeOf(layout string) (p plane, ok bool) {
	d := f.dims
	switch {
	case len(d) == 2:
		p = plane{channels: 1, height: d[0], width: d[1], perRow: d[1], perColumn: 1}
	case len(d) == 3 && layoutOf(d, layout) == nhwc:
		p = plane{channels: d[2], height: d[0], width: d[1], perChannel: 1, perRow: d[1] * d[2], perColumn: d[2]}
	case len(d) == 3:
		p = plane{channels: d[0], height: d[1], width: d[2], perChannel: d[1] * d[2], perRow: d[2], perColumn: 1}
	default:
		return p, false
	}
	for c := range p.channels {
		p.blank = append(p.blank, f.prep.blank(c))
	}
	return p, true
}

// blank is what a stored 0 becomes in a channel.
func (p *prep) blank(c int) float32 {
	if p.plain {
		return 0
	}
	return p.value(0, min(c, p.channels-1))
}

// move writes the picture moved by dx and dy, mirrored where flip, to dst.
func (p *plane) move(dst, src []float32, dx, dy int, flip bool) {
	for c := range p.channels {
		for y := range p.height {
			for x := range p.width {
				from := x
				if flip {
					from = p.width - 1 - x
				}
				v := p.blank[c]
				if fy, fx := y+dy, from+dx; fy >= 0 && fy < p.height && fx >= 0 && fx < p.width {
					v = src[c*p.perChannel+fy*p.perRow+fx*p.perColumn]
				}
				dst[c*p.perChannel+y*p.perRow+x*p.perColumn] = v
			}
		}
	}
}

// rectangle is a part of a picture: rows y0 to y1, columns x0 to x1.
type rectangle struct{ y0, y1, x0, x1 int }

// paste copies a rectangle of src, or blots it out where src is nil.
func (p *plane) paste(dst, src []float32, r rectangle) {
	for c := range p.channels {
		for y := r.y0; y < r.y1; y++ {
			for x := r.x0; x < r.x1; x++ {
				at := c*p.perChannel + y*p.perRow + x*p.perColumn
				if src == nil {
					dst[at] = p.blank[c]
				} else {
					dst[at] = src[at]
				}
			}
		}
	}
}
