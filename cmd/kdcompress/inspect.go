// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kdcompress/kdcompress/compress"
)

func newInspect(stdout io.Writer) *cobra.Command {
	var library string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect M.onnx",
		Short: "Show a model's inputs, outputs, operators and sizes, and what can be trained",
		Args:  exactly(1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := compress.Inspect(cmd.Context(), args[0], library)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(stdout).Encode(r)
			}
			return printInspection(stdout, r)
		},
	}
	cmd.Flags().StringVar(&library, "ort-lib", "", "the ONNX Runtime library")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON on standard output")
	return cmd
}

func printInspection(w io.Writer, r *compress.Inspection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(key, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", key, oneLine(fmt.Sprintf(format, args...)))
	}
	row("file", "%s, %d bytes, sha256 %s", r.Path, r.Bytes, r.SHA256)
	row("written", "by %s, IR version %d, opsets %s", r.Producer, r.IR, strings.Join(r.Opsets, ", "))
	for _, v := range r.Inputs {
		row("input", "%s", v)
	}
	for _, v := range r.Outputs {
		row("output", "%s", v)
	}
	if r.Logits != "" {
		row("learned from", "tensor %q (%s)", r.Logits, r.Kind)
	}
	row("parameters", "%d", r.Params)
	if r.MACs != nil {
		row("multiply-adds", "%d a sample", *r.MACs)
	}
	for _, o := range r.Operators {
		if o.Trainable {
			row("operator", "%d x %s", o.Nodes, o.Op)
		} else {
			row("operator", "%d x %s: %s", o.Nodes, o.Op, o.Why)
		}
	}
	for _, x := range r.Tensors {
		row("tensor", "%s %s%v, %d bytes", x.Name, x.Type, x.Dims, x.Bytes)
	}
	for _, p := range r.Metadata {
		row("metadata", "%s = %s", p[0], p[1])
	}
	for _, n := range r.Notes {
		row("note", "%s", n)
	}
	return t.Flush()
}
