// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/pflag"

	"github.com/kdcompress/kdcompress/compress"
)

// addDataFlags adds the flags that say where samples are and how they are read.
func addDataFlags(fs *pflag.FlagSet, d *compress.Data) {
	fs.StringVar(&d.Path, "data", d.Path, "samples: IDX, .npy, .npz or CSV file, folder or .tar of PNG and JPEG pictures, or noise:SAMPLES, pictures of noise")
	fs.StringVar(&d.Format, "format", d.Format, "idx, npy, npz, csv, images or tar; found by content if not given")
	fs.StringVar(&d.Labels, "labels", d.Labels, "classes, for the report: a file, column:NAME, array:NAME or folder")
	fs.Float64Var(&d.Scale, "scale", d.Scale, "factor of every value; 1/255 for 8-bit pictures, else 1")
	fs.Float64SliceVar(&d.Mean, "mean", d.Mean, "subtracted after the scale; one number, or one a channel")
	fs.Float64SliceVar(&d.Std, "std", d.Std, "divided by after the mean; one number, or one a channel")
	fs.IntVar(&d.Height, "height", d.Height, "height pictures are resized to; the model's if not given")
	fs.IntVar(&d.Width, "width", d.Width, "width pictures are resized to; the model's if not given")
	fs.StringVar(&d.Layout, "layout", d.Layout, "nchw or nhwc: where the model has its channels")
	fs.StringVar(&d.Channels, "channels", d.Channels, "rgb, bgr or gray")
	fs.StringSliceVar(&d.Columns, "columns", d.Columns, "columns of a CSV file to read, by name or number")
	fs.StringSliceVar(&d.Skip, "skip", d.Skip, "columns of a CSV file to leave out")
	fs.IntVar(&d.Limit, "limit", d.Limit, "read only so many samples: the first rows, or pictures from all their folders")
	fs.Float64Var(&d.MaxBad, "max-bad", d.MaxBad, "share of unusable samples that is tolerated (0.01; negative for none)")
}
