// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kdcompress/kdcompress/compress"
)

func newQuantize(stdout, stderr io.Writer) *cobra.Command {
	c := compress.DefaultQuantize()
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "quantize MODEL.onnx --data SRC --out FILE.onnx",
		Short: "Write a model in int8 or fp16 where that is smaller, as fast and as faithful",
		Long: `Write a model in smaller number types, without training. Static int8, dynamic
int8, fp16 and fp16 storage are made and measured side by side with the model
itself on this processor: bytes, latency at batch 1, agreement. The best one is
written; one that is slower here, or changes more answers than --max-drop, is
named and not taken. Inputs, outputs and operator set stay as they are.

Calibrators of static int8 (auto takes the one of least error):
` + calibratorHelp(),
		Args: exactly(1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Model = args[0]
			c.Command = "kdcompress " + strings.Join(os.Args[1:], " ")
			p := newProgress(stderr, stdout, asJSON)
			r, err := compress.Quantize(cmd.Context(), c, p.event)
			p.close()
			if errors.Is(err, context.Canceled) {
				return errors.New("stopped; nothing was written")
			}
			if r == nil {
				return err
			}
			if !asJSON {
				return firstError(err, r.WriteText(stdout))
			}
			b, jerr := r.JSON()
			if jerr == nil {
				_, jerr = stdout.Write(b)
			}
			return firstError(err, jerr)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	addDataFlags(fs, &c.Data)
	fs.StringVar(&c.Out, "out", "", "the file to write")
	fs.StringVar(&c.Precision, "precision", c.Precision, "auto, int8 (static or dynamic), dynamic or fp16")
	shrinkFlags(fs, &c.Shrink)
	fs.StringVar(&c.Keep, "keep", "", "write every form that was tried to this folder")
	fs.StringVar(&c.Output, "output", "", "the output whose answers are compared; found if not given")
	fs.Var(&c.MaxSize, "max-size", "budget: bytes of the file, such as 500kB")
	fs.Float64Var(&c.MaxLatency, "max-latency", 0, "budget: median milliseconds at batch 1 on one thread")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "of the choice of samples, made-up inputs and intervals")
	fs.IntVar(&c.Threads, "threads", c.Threads, "threads that run the models over the samples")
	fs.StringVar(&c.Library, "ort-lib", "", "the ONNX Runtime library")
	fs.BoolVar(&asJSON, "json", false, "events and report as JSON lines on standard output")
	return cmd
}

// shrinkFlags adds the flags that say how numbers are made smaller.
func shrinkFlags(fs *pflag.FlagSet, s *compress.Shrink) {
	fs.StringVar(&s.Calibrate, "calibrate", s.Calibrate, "calibrator of static int8: auto, minmax, entropy, percentile or mse")
	fs.IntVar(&s.Samples, "calibration-samples", s.Samples, "samples that calibrate static int8")
	fs.Float64Var(&s.MaxDrop, "max-drop", s.MaxDrop, "share of answers that smaller numbers may change")
	fs.BoolVar(&s.Force, "force-precision", s.Force, "take the precision asked for even where it is slower or worse here")
}

// calibratorHelp lists the calibrators.
func calibratorHelp() string { return "  " + strings.Join(compress.Calibrators(), "\n  ") }
