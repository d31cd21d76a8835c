// SPDX-License-Identifier: Apache-2.0

// Command kdcompress makes a small model that answers as a large one does. Its
// commands are distill, label, quantize, compare, inspect and env; `kdcompress help` and
// `kdcompress COMMAND --help` are the manual.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kdcompress/kdcompress/compress"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitMissed = 3 // done, but a budget was missed
)

// run is the program: arguments in, exit code out. Results go to stdout,
// progress and errors to stderr.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var missed *compress.MissedError
	if errors.As(err, &missed) {
		fmt.Fprintln(stderr, "kdcompress: "+err.Error())
		return exitMissed
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped; the same command with --resume goes on from the last whole epoch")
	}
	fmt.Fprintln(stderr, "kdcompress: "+oneLine(err.Error()))
	var usage *compress.UsageError
	var flags *flagError
	if errors.As(err, &usage) || errors.As(err, &flags) {
		return exitUsage
	}
	return exitFailed
}

// flagError is a command line that cannot be read.
type flagError struct{ error }

func (e *flagError) Unwrap() error { return e.error }

// oneLine keeps a message on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "kdcompress",
		Short: "Make a small ONNX model that answers as a large one does",
		Long: `kdcompress distils a teacher, any classifier in an .onnx file, into a small
student that takes its place: it needs unlabelled inputs, no Python, and writes
the student as an .onnx file with the same inputs and outputs, beside a report of
size, latency and agreement.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but a budget was missed.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       compress.Version(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &flagError{fmt.Errorf("no command %q; there are distill, label, quantize, compare, inspect and env", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &flagError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
	})
	root.AddCommand(newDistill(stdout, stderr), newLabel(stdout, stderr), newQuantize(stdout, stderr), newCompare(stdout, stderr), newInspect(stdout), newEnv(stdout))
	return root
}

// exactly is cobra.ExactArgs with an error that says what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return &flagError{fmt.Errorf("%s takes %s; see `%s --help`", cmd.Name(), what, cmd.CommandPath())}
		}
		return nil
	}
}
