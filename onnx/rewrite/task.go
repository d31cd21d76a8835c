// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"
)

// Task says how an answer is to be read. It decides with which loss it is learned
// and by which measure two models are compared.
type Task string

const (
	// Classify is one class of several, once a sample or at every position.
	Classify Task = "classify"
	// Multilabel is a yes or no for each of several labels.
	Multilabel Task = "multilabel"
	// Regress is numbers.
	Regress Task = "regress"
	// Embed is a vector whose direction carries the meaning.
	Embed Task = "embed"
)

// Tasks are all tasks.
var Tasks = []Task{Classify, Multilabel, Regress, Embed}

// ParseTask reads a task's name.
func ParseTask(s string) (Task, error) {
	for _, t := range Tasks {
		if string(t) == s {
			return t, nil
		}
	}
	return "", fmt.Errorf("no task %q; there are classify, multilabel, regress and embed", s)
}

// mostGuessed bounds the classes of positions that GuessTask takes for classes.
const mostGuessed = 64

// GuessTask reads the task of an output off its name and the shape of one
// sample's answer, where nothing in the graph tells: a vector is scores of
// classes, or an embedding if the name says so; one number is a number; a row of
// 2 to 64 numbers at each position of a sequence is scores of classes; all else
// is numbers.
func GuessTask(output string, dims []int) Task {
	var long []int
	for _, d := range dims {
		if d != 1 {
			long = append(long, d)
		}
	}
	name := strings.ToLower(output)
	switch {
	case len(long) == 0:
		return Regress
	case strings.Contains(name, "embed"):
		return Embed
	case len(long) == 1 && dims[len(dims)-1] != 1:
		return Classify
	case len(dims) == 2 && dims[1] >= 2 && dims[1] <= mostGuessed:
		return Classify
	}
	return Regress
}
