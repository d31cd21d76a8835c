// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kdcompress/kdcompress/compress"
)

func newEnv(stdout io.Writer) *cobra.Command {
	var library string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Show what was found on this machine and what is missing",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			e, err := compress.Environment(library)
			if asJSON {
				return firstError(json.NewEncoder(stdout).Encode(e), err)
			}
			fmt.Fprintf(stdout, "kdcompress    %s, %s, %s\n", e.Version, e.Go, e.Platform)
			fmt.Fprintf(stdout, "processor     %s, %d cores: %s\n", e.CPU, e.Cores, strings.Join(e.Features, " "))
			fmt.Fprintln(stdout, "ONNX Runtime, places in the order they are looked at:")
			for _, p := range e.Tried {
				path, mark := p.Path, "-"
				if path == "" {
					path = "(not set)"
				}
				if p.Found {
					mark = "found"
				}
				fmt.Fprintf(stdout, "  %-7s %s: %s\n", mark, p.Source, path)
			}
			if err == nil {
				fmt.Fprintf(stdout, "  version %s\n", e.Runtime)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&library, "ort-lib", "", "the ONNX Runtime library")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON on standard output")
	return cmd
}
