// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kdcompress/kdcompress/compress"
)

func newLabel(stdout, stderr io.Writer) *cobra.Command {
	c := compress.LabelConfig{Threads: compress.Default().Threads}
	var shard string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "label --teacher T.onnx --data SRC --out DIR",
		Short: "Write a teacher's answers only",
		Long: `Write a teacher's answers to a folder, for distill --targets DIR.

Answers are kept by the content of a sample. With --shard i/n only part i of n,
counted from 0, is answered; parts made elsewhere go into the same folder.`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Shard, c.Shards, err = parseShard(shard); err != nil {
				return err
			}
			if c.Teacher == "" || c.Data.Path == "" || c.Out == "" {
				return &flagError{fmt.Errorf("label needs --teacher, --data and --out")}
			}
			p := newProgress(stderr, stdout, asJSON)
			r, err := compress.Label(cmd.Context(), c, p.event)
			p.close()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(stdout).Encode(r)
			}
			_, err = fmt.Fprintf(stdout, "%s: %d samples, %d distinct answers, %d bytes a sample\n", r.Path, r.Samples, r.Answers, r.Bytes)
			return err
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&c.Teacher, "teacher", "", "the model that answers")
	addDataFlags(fs, &c.Data)
	fs.StringVar(&c.Out, "out", "", "folder for the answers")
	fs.StringVar(&c.Output, "output", "", "the teacher's output to keep; found if not given")
	fs.StringVar(&c.Task, "task", "auto", taskHelp)
	fs.StringVar(&shard, "shard", "0/1", "part and number of parts")
	fs.StringVar(&c.Store, "store", "", "how answers are kept: float32, float16 or topk:K@TEMPERATURE; give distill the same")
	fs.IntVar(&c.Threads, "threads", c.Threads, "threads that run the teacher")
	fs.StringVar(&c.Library, "ort-lib", "", "the ONNX Runtime library")
	fs.BoolVar(&asJSON, "json", false, "events and result as JSON lines on standard output")
	return cmd
}

func parseShard(s string) (i, n int, err error) {
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, &flagError{fmt.Errorf("--shard %q: give part/parts, such as 0/4", s)}
	}
	return i, n, nil
}
