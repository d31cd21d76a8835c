// SPDX-License-Identifier: Apache-2.0

package data

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Want describes one input of the model that the samples are for. Dims are
// those of one sample, without the batch axis; -1 leaves a dimension open.
type Want struct {
	Name string
	Dims []int
	Type onnx.DataType
}

// whole says whether the input takes whole numbers.
func (w Want) whole() bool { return w.Type != onnx.Undefined && !w.Type.IsFloat() }

// Options says how a source is read and what is done to its values. The zero
// value reads what the file holds.
type Options struct {
	// Format is "idx", "npy", "npz", "csv", "images" or "tar"; "" goes by content.
	Format string
	// Scale multiplies every value of a floating-point input. 0 means 1/255 for
	// 8-bit pictures (PNG, JPEG, IDX of unsigned bytes) and 1 otherwise.
	Scale float64
	// Mean and Std follow the scale: (x*scale - mean) / std. One value, or one a
	// channel; for a flat input, one a column.
	Mean, Std []float64
	// Size is the height and width that pictures are resized to (bilinear,
	// widened to an area average when shrinking; the aspect ratio is not kept).
	// 0 takes the model's own. PNG and JPEG are resized without asking; arrays of
	// 8-bit pictures only when a size is given.
	Size [2]int
	// Layout says where the model has its channel axis: "nchw", "nhwc", or "" to
	// go by the dimensions. An array that has it at the other end is transposed
	// only when Layout is given.
	Layout string
	// Channels is what the model wants of a PNG or JPEG: "rgb", "bgr", "gray", or
	// "" for gray where the model has one channel and rgb where it has three.
	Channels string
	// Labels says where the classes are: "" none; "folder" for the name of a
	// picture's folder, numbered in the order of the sorted names; "column:C" for a column of
	// a CSV source by name or number (0 first, -1 last); "array:NAME" for an array of an
	// .npz source; otherwise the path of a file with one class a sample: IDX, .npy of
	// whole numbers, or CSV (FILE#COLUMN where it has several columns).
	Labels string
	// Columns names the columns of a CSV source that are inputs, by name or
	// number, in the order the model gets them; empty means all but the label.
	Columns []string
	// Skip names columns of a CSV source that are not inputs.
	Skip []string
	// Limit reads only so many samples: the first rows of a file, or pictures
	// spread evenly over their sorted names; 0 reads all.
	Limit int
	// MaxBad is the share of unusable samples that is tolerated: 0 means 0.01,
	// a negative value none.
	MaxBad float64
	// Memory bounds the bytes of samples held in memory; what exceeds it is read
	// from disk batch by batch. 0 means 2 GiB.
	Memory int64
}

// formats are the values of Options.Format.
var formats = []string{"idx", "npy", "npz", "csv", "images", "tar"}

const (
	defaultMaxBad = 0.01
	defaultMemory = 2 << 30
)

// Check says what is wrong with the options, whatever the source is.
func (o Options) Check() error {
	switch {
	case o.Format != "" && !slices.Contains(formats, o.Format):
		return fmt.Errorf("data format %q is unknown: use one of %s", clean(o.Format), list(formats))
	case !finite(o.Scale):
		return errors.New("scale is not a finite number")
	case o.Layout != "" && o.Layout != nchw && o.Layout != nhwc:
		return fmt.Errorf("layout %q is unknown: use nchw or nhwc", clean(o.Layout))
	case o.Channels != "" && o.Channels != "rgb" && o.Channels != "bgr" && o.Channels != "gray":
		return fmt.Errorf("channels %q are unknown: use rgb, bgr or gray", clean(o.Channels))
	case o.Size[0] < 0 || o.Size[1] < 0 || (o.Size[0] == 0) != (o.Size[1] == 0):
		return fmt.Errorf("size %dx%d: --height and --width go together, both above 0", o.Size[0], o.Size[1])
	case int64(o.Size[0])*int64(o.Size[1]) > maxPixels:
		return fmt.Errorf("size %dx%d exceeds %d pixels", o.Size[0], o.Size[1], maxPixels)
	case o.Limit < 0:
		return fmt.Errorf("limit %d is negative", o.Limit)
	case math.IsNaN(o.MaxBad) || o.MaxBad > 1:
		return errors.New("the tolerated share of bad samples is not between 0 and 1")
	case o.Memory < 0:
		return errors.New("the memory bound is negative")
	}
	if slices.ContainsFunc(o.Mean, func(v float64) bool { return !finite(v) }) {
		return errors.New("mean holds a value that is not a finite number")
	}
	if slices.ContainsFunc(o.Std, func(v float64) bool { return !finite(v) || v == 0 }) {
		return errors.New("std holds a value that is zero or not a finite number")
	}
	return nil
}

// normalises says whether the caller asked for a change of values.
func (o Options) normalises() bool {
	return o.Scale != 0 || len(o.Mean) > 0 || len(o.Std) > 0
}

// filled puts the defaults in.
func (o Options) filled() Options {
	if o.MaxBad == 0 {
		o.MaxBad = defaultMaxBad
	}
	o.MaxBad = max(o.MaxBad, 0)
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	return o
}

// upTo is how many of n rows are read.
func (o Options) upTo(n int) int {
	if o.Limit > 0 {
		return min(o.Limit, n)
	}
	return n
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
