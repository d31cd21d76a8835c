// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"strings"
	"unicode"
)

// Error is a fault of a model: which file, which node and operator, and what is
// wrong. Fields that do not apply are empty.
type Error struct {
	Path string
	Node string
	Op   string
	Err  error
}

// Error puts the fault on one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	switch {
	case e.Node != "" && e.Op != "":
		b.WriteString("node " + quoteName(e.Node) + " (" + quoteName(e.Op) + "): ")
	case e.Op != "":
		b.WriteString("operator " + quoteName(e.Op) + ": ")
	case e.Node != "":
		b.WriteString("node " + quoteName(e.Node) + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// quoteName quotes a name from a file so that it stays on one line.
func quoteName(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// InFile gives a fault the path of the file it is in. An *Error without a path
// keeps its node and operator; any other error becomes the cause.
func InFile(path string, err error) error {
	if e, ok := err.(*Error); ok && e.Path == "" {
		named := *e
		named.Path = path
		return &named
	}
	return &Error{Path: path, Err: err}
}
