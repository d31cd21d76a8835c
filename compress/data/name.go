// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// clean makes a name from a file fit for one line of an error: no control
// characters, not longer than 120 bytes.
func clean(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// rowName names a sample by its place in a file. Rows count from 1.
func rowName(path string, i int) string {
	return fmt.Sprintf("row %d of %s", i+1, clean(filepath.Base(path)))
}

// dimsText writes a shape as 1x28x28; an open dimension is "?".
func dimsText(dims []int) string {
	if len(dims) == 0 {
		return "a single value"
	}
	parts := make([]string, len(dims))
	for i, d := range dims {
		parts[i] = strconv.Itoa(d)
		if d < 0 {
			parts[i] = "?"
		}
	}
	if len(parts) == 1 {
		return parts[0] + " values"
	}
	return strings.Join(parts, "x")
}

// list joins names for an error, at most ten of them.
func list(names []string) string {
	const most = 10
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(clean(n))
	}
	return b.String()
}

// number writes a value in the fewest digits that give it back.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
