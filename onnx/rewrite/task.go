// SPDX-License-Identifier: Apache-2.0

package rewrite

import "fmt"

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
