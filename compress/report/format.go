// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"strconv"
	"strings"
)

// count writes a whole number with commas between thousands.
func count[T ~int | ~int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// byteSize writes a number of bytes in decimal units with three digits.
func byteSize(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return scaled(float64(n), []string{"B", "kB", "MB", "GB", "TB"})
}

// operations writes a number of operations with three digits and a decimal prefix.
func operations(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return strings.TrimSpace(scaled(float64(n), []string{"", "k", "M", "G", "T", "P"}))
}

func scaled(v float64, units []string) string {
	i := 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	return digits(v, 3) + " " + units[i]
}

// milliseconds writes a duration with three digits.
func milliseconds(v float64) string { return digits(v, 3) + " ms" }

// digits writes v with n significant digits and no exponent.
func digits(v float64, n int) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	// Rounding may add a digit before the point, which the exponent then shows.
	e := strconv.FormatFloat(v, 'e', n-1, 64)
	exponent, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	return strconv.FormatFloat(v, 'f', min(max(n-1-exponent, 0), 9), 64)
}

// percent writes a share with two places, without the sign.
func percent(share float64) string {
	s := strconv.FormatFloat(100*share, 'f', 2, 64)
	// Only what is exact may read as all or nothing.
	if s == "100.00" && share < 1 {
		return "99.99"
	}
	if s == "0.00" && share > 0 {
		return "0.01"
	}
	return s
}

// percentInterval writes "[99.13, 99.45]".
func percentInterval(i Interval) string {
	return "[" + percent(i[0]) + ", " + percent(i[1]) + "]"
}

// times writes a factor: two places below 2, one below 100.
func times(r float64) string {
	switch {
	case r < 2:
		return strconv.FormatFloat(r, 'f', 2, 64) + "x"
	case r < 99.95:
		return strconv.FormatFloat(r, 'f', 1, 64) + "x"
	}
	return count(int64(math.Round(r))) + "x"
}

// seconds writes a duration in s, min or h.
func seconds(s float64) string {
	switch {
	case s < 120:
		return digits(s, 3) + " s"
	case s < 7200:
		return digits(s/60, 3) + " min"
	}
	return digits(s/3600, 3) + " h"
}

// nats writes a divergence.
func nats(v *float64) string {
	switch {
	case v == nil:
		return "n/a"
	case *v != 0 && math.Abs(*v) < 1e-4:
		return strconv.FormatFloat(*v, 'e', 2, 64)
	}
	return strconv.FormatFloat(*v, 'f', 4, 64)
}

// quote puts a name from a file between quotes, on one line and of bounded length.
func quote(name string) string { return strconv.Quote(cut(name, 80)) }

// plain keeps a text from a file or a user on one line, free of terminal
// controls and of bounded length.
func plain(text string) string {
	q := strconv.Quote(cut(text, 2000))
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(q[1 : len(q)-1])
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
