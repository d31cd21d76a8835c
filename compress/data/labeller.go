// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// labeller numbers the classes of a list of texts.
type labeller struct {
	index map[string]int32
	names []string
	codes []int32
}

// add appends the class called text.
func (l *labeller) add(text string) {
	text = strings.TrimSpace(text)
	code, ok := l.index[text]
	if !ok {
		if l.index == nil {
			l.index = map[string]int32{}
		}
		code = int32(len(l.names))
		text = strings.Clone(text)
		l.index[text] = code
		l.names = append(l.names, text)
	}
	l.codes = append(l.codes, code)
}

// addNone appends a sample without a class.
func (l *labeller) addNone() { l.codes = append(l.codes, -1) }

// dropHeader takes the first text away where it alone is no number.
func (l *labeller) dropHeader() {
	if len(l.names) < 2 || slices.Contains(l.codes[1:], l.codes[0]) {
		return
	}
	for i, name := range l.names {
		if _, ok := classNumber(name); ok == (i == 0) {
			return
		}
	}
	l.codes = l.codes[1:]
}

// finish numbers the classes: by themselves where all are numbers, else in the
// order of their sorted names.
func (l *labeller) finish() ([]int32, []string, error) {
	to := make([]int32, len(l.names))
	used := make([]bool, len(l.names))
	for _, c := range l.codes {
		if c >= 0 {
			used[c] = true
		}
	}
	numbers := true
	var names []string
	for i, name := range l.names {
		if !used[i] {
			continue
		}
		names = append(names, name)
		v, ok := classNumber(name)
		if numbers = numbers && ok; !numbers {
			continue
		}
		if v < 0 || v > math.MaxInt32 {
			return nil, nil, fmt.Errorf("the class %s is out of range: classes are numbered from 0", clean(name))
		}
		to[i] = int32(v)
	}
	if !numbers {
		slices.Sort(names)
		for i, name := range l.names {
			at, _ := slices.BinarySearch(names, name)
			to[i] = int32(at)
		}
	} else {
		names = nil
	}
	for i, c := range l.codes {
		if c >= 0 {
			l.codes[i] = to[c]
		}
	}
	return l.codes, names, nil
}

// classNumber reads a whole number, also one written as 3.0.
func classNumber(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v == math.Trunc(v) && finite(v)
}
