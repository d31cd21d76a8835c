// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kdcompress/kdcompress/compress"
	"github.com/kdcompress/kdcompress/compress/report"
)

func newCompare(stdout, stderr io.Writer) *cobra.Command {
	c := compress.CompareConfig{Seed: 1, Threads: compress.Default().Threads}
	var asJSON bool
	var html string
	cmd := &cobra.Command{
		Use:   "compare A.onnx B.onnx [--data SRC]",
		Short: "Hold two models against each other",
		Long: `Hold model B against model A: whether B can take A's place without a change in
the program around it, their sizes and latencies, and, where samples are given,
how often they agree.`,
		Args: exactly(2, "two models"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.A, c.B = args[0], args[1]
			c.Command = "kdcompress " + strings.Join(os.Args[1:], " ")
			p := newProgress(stderr, stdout, asJSON)
			r, err := compress.Compare(cmd.Context(), c, p.event)
			p.close()
			if err != nil {
				return err
			}
			if html != "" {
				if err := r.WriteHTML(html); err != nil {
					return err
				}
			}
			return printReport(stdout, r, asJSON)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	addDataFlags(fs, &c.Data)
	fs.StringVar(&c.Output, "output", "", "the output to compare; found if not given")
	fs.StringVar(&c.Task, "task", "auto", taskHelp)
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "of made-up inputs and intervals")
	fs.IntVar(&c.Threads, "threads", c.Threads, "threads that run the models over the samples")
	fs.StringVar(&html, "html", "", "write the report to this file too")
	fs.StringVar(&c.Library, "ort-lib", "", "the ONNX Runtime library")
	fs.BoolVar(&asJSON, "json", false, "events and report as JSON lines on standard output")
	return cmd
}

// printReport writes a report for people, or as one line of JSON.
func printReport(w io.Writer, r *report.Report, asJSON bool) error {
	if !asJSON {
		return r.WriteText(w)
	}
	b, err := r.JSON()
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, b); err != nil {
		return err
	}
	line.WriteByte('\n')
	_, err = line.WriteTo(w)
	return err
}
