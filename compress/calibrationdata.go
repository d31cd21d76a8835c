// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"math"
)

const (
	// fewestCalibrating is the number of samples below which ranges are guesses.
	fewestCalibrating = 16
	// comfortable is the number below which a warning is given.
	comfortable = 100
	// smooth is the correlation of neighbouring pixels below which pictures look
	// like noise: photographs have 0.9 and more, line drawings 0.6.
	smooth = 0.2
)

// checkCalibration refuses samples that cannot calibrate: too few, all the same,
// or outside the range that the model was distilled on. It warns of few ones and of
// pictures that look like noise.
func (s *shrinker) checkCalibration() error {
	n := len(s.calibrating)
	switch {
	case n < fewestCalibrating:
		return fmt.Errorf("%d samples are too few to calibrate: give at least %d", n, fewestCalibrating)
	case n < comfortable:
		s.warn("%d samples calibrate: rare values may be clipped; %d and more are better", n, comfortable)
	}
	for i, v := range s.float.model.Graph.DataInputs() {
		if !v.Type.IsFloat() {
			continue
		}
		look, err := s.lookAt(i)
		if err != nil {
			return err
		}
		if look.same {
			return fmt.Errorf("all %d samples give input %q the same values: nothing can be calibrated on them", n, v.Name)
		}
		if look.flat {
			return fmt.Errorf("every sample of input %q is one value throughout: nothing can be calibrated on them", v.Name)
		}
		if look.pixels > 0 && look.neighbour < smooth {
			s.warn("input %q looks like random data: neighbouring pixels correlate by %.2f; ranges calibrated on noise are wrong", v.Name, look.neighbour)
		}
		if err := s.inRange(v.Name, look); err != nil {
			return err
		}
	}
	return nil
}

// looked is what the values of an input are like.
type looked struct {
	lo, hi     float64
	same, flat bool
	pixels     int     // pairs of neighbours, 0 where the input is no picture
	neighbour  float64 // their correlation
}

func (s *shrinker) lookAt(field int) (looked, error) {
	dims := s.set.Dims(field)
	size := 1
	for _, d := range dims {
		size *= d
	}
	l := looked{lo: math.Inf(1), hi: math.Inf(-1), same: true, flat: size > 1}
	row, first := make([]float32, size), make([]float32, size)
	var sx, sy, sxx, syy, sxy float64
	width := 0
	if k := len(dims); k >= 2 && dims[k-1] >= 8 && dims[k-2] >= 8 {
		width = dims[k-1]
	}
	for at, i := range s.calibrating {
		if err := s.set.Batch(field, []int{i}, row); err != nil {
			return l, err
		}
		if at == 0 {
			copy(first, row)
		}
		for j, v := range row {
			x := float64(v)
			l.lo, l.hi = min(l.lo, x), max(l.hi, x)
			l.same = l.same && v == first[j]
			l.flat = l.flat && v == row[0]
			if width > 0 && j%width > 0 {
				y := float64(row[j-1])
				sx, sy, sxx, syy, sxy = sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
				l.pixels++
			}
		}
	}
	if l.pixels > 0 {
		n := float64(l.pixels)
		l.neighbour = (sxy - sx*sy/n) / math.Sqrt((sxx-sx*sx/n)*(syy-sy*sy/n))
	}
	return l, nil
}

// rangeProperty is the metadata in which a distilled student carries the range of
// an input over its transfer set, as "lo hi".
const rangeProperty = "kdcompress.range."

// inRange compares an input's values with those that the model was distilled on.
func (s *shrinker) inRange(name string, l looked) error {
	text, ok := s.float.model.Property(rangeProperty + name)
	var lo, hi float64
	if !ok {
		return nil
	}
	if n, err := fmt.Sscan(text, &lo, &hi); n != 2 || err != nil || !(hi > lo) {
		return nil
	}
	width := hi - lo
	switch {
	case l.lo < lo-width || l.hi > hi+width:
		return fmt.Errorf("input %q runs from %.4g to %.4g, the model was distilled on %.4g to %.4g: give the same --scale, --mean and --std as then", name, l.lo, l.hi, lo, hi)
	case l.lo < lo-width/4 || l.hi > hi+width/4:
		s.warn("input %q runs from %.4g to %.4g, the model was distilled on %.4g to %.4g", name, l.lo, l.hi, lo, hi)
	case l.hi-l.lo < width/4:
		s.warn("input %q runs only from %.4g to %.4g, the model was distilled on %.4g to %.4g", name, l.lo, l.hi, lo, hi)
	}
	return nil
}
