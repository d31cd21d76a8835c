// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kdcompress/kdcompress/compress"
	"github.com/kdcompress/kdcompress/student"
	"github.com/kdcompress/kdcompress/student/cut"
)

func newDistill(stdout, stderr io.Writer) *cobra.Command {
	c := compress.Default()
	var job string
	var json bool
	cmd := &cobra.Command{
		Use:   "distill --teacher T.onnx --data SRC --out DIR",
		Short: "Train a small student on a teacher's answers",
		Long: `Train a small student on a teacher's answers to unlabelled inputs.

DIR receives student.onnx, report.json, report.html, job.yaml (the resolved
configuration: running it again gives the same student) and events.jsonl.

Students: auto (proposes students and cuts of the teacher within a tenth of its
bytes or --max-size, trains the promising ones briefly and carries the best on),
the path of an .onnx file, or an architecture with options:
` + studentHelp() + `

Losses:
` + lossHelp("") + `

Feature losses (--feature NAME[:WEIGHT|auto]), on tensors inside the two models:
` + lossHelp("feature") + `

Relation losses (--relation NAME[:WEIGHT,...|auto]), on how the samples of a batch
lie to each other:
` + lossHelp("relation") + `

Recipes:
` + recipeHelp(),
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Command = "kdcompress " + strings.Join(os.Args[1:], " ")
			cfg, err := withJob(cmd.Flags(), c, job)
			if err != nil {
				return err
			}
			p := newProgress(stderr, stdout, json)
			r, err := compress.Run(cmd.Context(), cfg, p.event)
			p.close()
			if r != nil {
				err = firstError(err, printReport(stdout, r.Report, json))
			}
			return err
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	distillFlags(fs, &c)
	fs.StringVar(&job, "job", "", "read the configuration from a YAML file; flags override it")
	fs.BoolVar(&json, "json", false, "events and report as JSON lines on standard output")
	return cmd
}

// distillFlags adds a flag for every field of a configuration.
func distillFlags(fs *pflag.FlagSet, c *compress.Config) {
	fs.Var(&teachers{c}, "teacher", "the model to learn from; several answer together, by the mean of their probabilities")
	fs.Float64SliceVar(&c.Weights, "teacher-weights", c.Weights, "weights of several teachers; equal if not given")
	addDataFlags(fs, &c.Data)
	fs.StringVar(&c.Eval.Path, "eval", c.Eval.Path, "independent samples to report on, read like --data")
	fs.StringVar(&c.Eval.Labels, "eval-labels", c.Eval.Labels, "classes of the independent samples")
	fs.StringVar(&c.Out, "out", c.Out, "folder for the results")
	fs.StringVar(&c.Output, "output", c.Output, "the teacher's output to learn first; found if not given")
	fs.StringVar(&c.Task, "task", c.Task, taskHelp)
	fs.StringVar(&c.Student, "student", c.Student, "auto, ARCHITECTURE[:option=value,...], CUT[:option=value,...][+CUT...] or FILE.onnx")
	fs.StringVar(&c.Loss, "loss", c.Loss, "the distillation loss, LOSS[:parameter=value,...], auto to suit the task, or none beside --feature simkd")
	fs.StringArrayVar(&c.Feature, "feature", c.Feature, "a loss on features beside it, such as fitnet:100 or at:auto; may be repeated")
	fs.StringArrayVar(&c.Relation, "relation", c.Relation, "a loss on relations beside it, such as rkd:25,50; may be repeated")
	fs.StringArrayVar(&c.Taps, "tap", c.Taps, "tensors these compare, TEACHER:STUDENT; found by their size if not given; may be repeated")
	fs.Float64Var(&c.Temperature, "temperature", c.Temperature, "softens both answers in the loss; 0 for the loss's own")
	fs.Float64Var(&c.LabelWeight, "label-weight", c.LabelWeight, "weight of the cross-entropy with labels; 0 trains without labels")
	fs.IntVar(&c.Epochs, "epochs", c.Epochs, "times over the samples; 0 lets their number decide (20 to 300)")
	fs.IntVar(&c.Batch, "batch", c.Batch, "samples a step")
	fs.Float64Var(&c.Rate, "lr", c.Rate, "peak learning rate")
	fs.Float64Var(&c.Warmup, "warmup", c.Warmup, "share of the steps in which the learning rate rises")
	fs.Float64Var(&c.Clip, "clip", c.Clip, "bound of the gradient's norm, 0 for none")
	fs.Float64Var(&c.Decay, "weight-decay", c.Decay, "decay of matrices and filters")
	fs.Float64Var(&c.Held, "held-out", c.Held, "share of the samples that chooses the epoch; 0 for about a twentieth")
	fs.StringVar(&c.Optimizer, "optimizer", c.Optimizer, "adamw, or sgd with Nesterov's momentum of 0.9 (and a higher --lr, such as 0.05)")
	fs.Float64Var(&c.Average, "ema", c.Average, "deploy a moving average of the weights that keeps this share of the past, such as 0.999")
	fs.StringVar(&c.TrainPrecision, "train-precision", c.TrainPrecision, "fp32, or bf16: products with weights in bfloat16, faster on processors that have it")
	fs.StringVar(&c.Recipe, "recipe", c.Recipe, "a preset for --epochs and --augment: quick, standard or patient")
	fs.StringVar(&c.Augment, "augment", c.Augment, "changes to the samples, for teacher and student alike: crop:PIXELS,flip,erase:SHARE,shift:STEPS,noise:DEVIATION,mixup,cutmix or none")
	fs.IntVar(&c.Views, "views", c.Views, "augmented views of a sample that are answered once and kept; 0 for another one in every epoch")
	fs.StringVar(&c.Store, "store", c.Store, "how answers are kept: float32, float16 or topk:K@TEMPERATURE")
	fs.BoolVar(&c.Balance, "balance", c.Balance, "show every class the teacher chooses equally often")
	fs.BoolVar(&c.FixBias, "fix-bias", c.FixBias, "after training, give every class the mean probability the teacher gives it")
	fs.StringVar(&c.BiasData, "bias-data", c.BiasData, "unlabelled samples drawn as in use, for --fix-bias; the held-out ones if not given")
	fs.BoolVar(&c.Control, "control", c.Control, "train the same student without distillation too and report the difference")
	fs.IntVar(&c.Seeds, "seeds", c.Seeds, "repeat --control from so many seeds")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "of weights and order")
	fs.IntVar(&c.Shards, "shards", c.Shards, "parts of a batch, and most processors used in training; the result depends on it, and not on how many processors there are")
	fs.IntVar(&c.Threads, "threads", c.Threads, "threads that run the teacher")
	fs.StringVar(&c.Precision, "precision", c.Precision, "of the student: fp32, auto (the best that is measured), int8 (static or dynamic), dynamic or fp16")
	shrinkFlags(fs, &c.Shrink)
	fs.BoolVar(&c.QAT, "qat", c.QAT, "train the student on with rounded numbers, as one more form of int8")
	fs.IntVar(&c.QATEpochs, "qat-epochs", c.QATEpochs, "times over the samples with rounded numbers; 0 for a tenth of --epochs, at least 2")
	fs.Var(&c.MaxSize, "max-size", "budget: bytes of the student's file, such as 500kB")
	fs.Float64Var(&c.MaxLatency, "max-latency", c.MaxLatency, "budget: median milliseconds at batch 1 on one thread")
	fs.Float64Var(&c.MinAgreement, "min-agreement", c.MinAgreement, "budget: share of answers equal to the teacher's, such as 0.99")
	fs.StringVar(&c.Targets, "targets", c.Targets, "folder of answers made by `kdcompress label`")
	fs.BoolVar(&c.Resume, "resume", c.Resume, "go on from the last whole epoch of a run into the same folder")
	fs.StringVar(&c.Library, "ort-lib", c.Library, "the ONNX Runtime library")
}

// teachers is the flag of the teachers: the first goes to Config.Teacher.
type teachers struct{ c *compress.Config }

func (t *teachers) String() string { return strings.Join(t.GetSlice(), ",") }

// Type names the kind of value in a help text.
func (t *teachers) Type() string { return "T.onnx" }

// Set adds a teacher.
func (t *teachers) Set(path string) error { return t.Append(path) }

// Append adds a teacher.
func (t *teachers) Append(path string) error {
	if t.c.Teacher == "" {
		t.c.Teacher = path
	} else {
		t.c.More = append(t.c.More, path)
	}
	return nil
}

// Replace sets all teachers.
func (t *teachers) Replace(paths []string) error {
	t.c.Teacher, t.c.More = "", nil
	for _, p := range paths {
		if err := t.Append(p); err != nil {
			return err
		}
	}
	return nil
}

// GetSlice lists all teachers.
func (t *teachers) GetSlice() []string {
	if t.c == nil || t.c.Teacher == "" {
		return nil
	}
	return append([]string{t.c.Teacher}, t.c.More...)
}

// taskHelp is what --task does, in every command that has it.
const taskHelp = "what the answers are: classify, multilabel, regress or embed; OUTPUT=TASK,... for several; auto reads it off the file"

// withJob reads the job file, if one is named, and lets the flags given on the
// command line override it.
func withJob(given *pflag.FlagSet, c compress.Config, job string) (compress.Config, error) {
	if job == "" {
		return c, nil
	}
	cfg, err := compress.ReadJob(job)
	if err != nil {
		return cfg, &flagError{err}
	}
	over := pflag.NewFlagSet("job", pflag.ContinueOnError)
	distillFlags(over, &cfg)
	given.Visit(func(f *pflag.Flag) {
		if target := over.Lookup(f.Name); target != nil && err == nil {
			if s, ok := f.Value.(pflag.SliceValue); ok {
				err = target.Value.(pflag.SliceValue).Replace(s.GetSlice())
				return
			}
			err = target.Value.Set(f.Value.String())
		}
	})
	cfg.Command = c.Command
	return cfg, err
}

// lossHelp lists the losses of a family and their parameters.
func lossHelp(family string) string {
	var b strings.Builder
	for _, l := range compress.Losses(family) {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	return strings.TrimRight(b.String(), "\n")
}

// recipeHelp lists the recipes.
func recipeHelp() string { return "  " + strings.Join(compress.Recipes(), "\n  ") }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// studentHelp lists the architectures, the ways to cut the teacher, and their options.
func studentHelp() string {
	var b strings.Builder
	for _, name := range student.Names() {
		a := student.Lookup(name)
		fmt.Fprintf(&b, "  %-10s %s\n", name, a.Summary)
		for _, o := range a.Options {
			fmt.Fprintf(&b, "    %-10s %s (%s)\n", o.Name, o.Doc, o.Default)
		}
	}
	for _, k := range cut.Kinds() {
		fmt.Fprintf(&b, "  %-10s %s\n", k.Name, k.Summary)
		for _, o := range k.Options {
			fmt.Fprintf(&b, "    %-10s %s (%s)\n", o.Name, o.Doc, o.Default)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
