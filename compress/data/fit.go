// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"slices"
)

const (
	nchw = "nchw"
	nhwc = "nhwc"
)

// fit is how a row of an array becomes a sample of a model input: its
// dimensions, and the matrix it is transposed as before (none where rows is 0).
type fit struct {
	dims       []int
	rows, cols int
}

// fitShape finds the fit of a row of the given shape to the wanted dimensions,
// of which -1 takes any size. A row fits where
//   - the dimensions are the same, or the same once axes of size 1 are left out;
//   - one of the two is flat and the number of elements is the same;
//   - layout is given and moving the channel axis to the other end makes them
//     the same.
func fitShape(shape, want []int, layout string) (fit, bool) {
	if dims, ok := matchDims(shape, want); ok {
		return fit{dims: dims}, true
	}
	if len(shape) != 3 || len(want) != 3 {
		return fit{}, false
	}
	var moved []int
	f := fit{}
	switch layout {
	case nchw: // the row has the channels last
		moved = []int{shape[2], shape[0], shape[1]}
		f.rows, f.cols = shape[0]*shape[1], shape[2]
	case nhwc: // the row has the channels first
		moved = []int{shape[1], shape[2], shape[0]}
		f.rows, f.cols = shape[0], shape[1]*shape[2]
	default:
		return fit{}, false
	}
	if !sameDims(moved, want) {
		return fit{}, false
	}
	f.dims = moved
	return f, true
}

// matchDims fits without moving an element.
func matchDims(shape, want []int) ([]int, bool) {
	if sameDims(shape, want) {
		return slices.Clone(shape), true
	}
	notOne := func(d int) bool { return d == 1 }
	bare := slices.DeleteFunc(slices.Clone(shape), notOne)
	if sameDims(bare, slices.DeleteFunc(slices.Clone(want), notOne)) {
		dims := slices.Clone(want)
		for i, next := 0, 0; i < len(dims); i++ {
			if dims[i] != 1 {
				dims[i] = bare[next]
				next++
			}
		}
		return dims, true
	}
	n := elements(shape)
	switch {
	case len(want) == 1 && (want[0] == n || want[0] < 0):
		return []int{n}, true
	case len(shape) == 1 && !slices.Contains(want, -1) && elements(want) == n:
		return slices.Clone(want), true
	}
	return nil, false
}

// sameDims compares dimensions, an open one with anything.
func sameDims(shape, want []int) bool {
	return slices.EqualFunc(shape, want, func(s, w int) bool { return s == w || w < 0 })
}

// layoutOf says where a sample of these dimensions has its channel axis: what
// the caller says, else by the dimensions of a picture, else "".
func layoutOf(dims []int, layout string) string {
	if layout != "" || len(dims) != 3 {
		return layout
	}
	switch {
	case dims[0] == 1 || dims[0] == 3:
		return nchw
	case dims[2] == 1 || dims[2] == 3:
		return nhwc
	}
	return ""
}

// newField fits rows of shape, of an array with head h, to a model input.
func newField(path string, w Want, h header, shape []int, o Options) (field, error) {
	f := field{want: w}
	var ok bool
	if f.fit, ok = fitShape(shape, w.Dims, o.Layout); !ok {
		return f, fmt.Errorf("%s: a sample is %s of %v, the model's input %q takes %s: %s",
			path, dimsText(shape), h.elem, clean(w.Name), dimsText(w.Dims), advice(shape, w.Dims, h, o))
	}
	if o.Channels != "" {
		return f, fmt.Errorf("%s: is an array, whose channels are taken as they are: --channels is for PNG and JPEG", path)
	}
	var err error
	if f.prep, err = newPrep(w, f.dims, h.pictures, o); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	f.words = arrayWords(f, o)
	return f, nil
}

// advice says what to do about rows that do not fit.
func advice(shape, want []int, h header, o Options) string {
	for _, layout := range []string{nchw, nhwc} {
		if _, ok := fitShape(shape, want, layout); ok {
			return "say --layout " + layout + " to have the channels moved"
		}
	}
	n, m := elements(shape), 1
	for _, d := range want {
		m *= max(d, 1)
	}
	if h.table && n > m {
		return "choose its columns (--columns, --skip) and name the one that holds the label (--labels column:NAME)"
	}
	if _, _, ok := pictureShape(shape); ok && h.elem == kindU8 && o.Size[0] == 0 {
		// The height and width may stand at either end of the model's dimensions.
		for i := 0; i+1 < len(want); i++ {
			size := [2]int{want[i], want[i+1]}
			if size[0] < 2 || size[1] < 2 {
				continue
			}
			if _, ok := fitShape(resizedShape(shape, size), want, o.Layout); ok {
				return fmt.Sprintf("say --height %d --width %d to have it resized", size[0], size[1])
			}
		}
	}
	return "bring the samples into that shape, or give a source that was made for this model"
}
