// SPDX-License-Identifier: Apache-2.0

package student

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Spec names an architecture and its options, written "convnet:width=16,depth=3".
type Spec struct {
	Arch    string
	Options map[string]string
}

// ParseSpec reads a specification and checks it against the architecture's
// options.
func ParseSpec(s string) (Spec, error) {
	name, rest, _ := strings.Cut(s, ":")
	spec := Spec{Arch: name, Options: map[string]string{}}
	a, ok := archs[name]
	if !ok {
		return spec, fmt.Errorf("no student architecture %q; there are %s, or the path of an .onnx file", name, strings.Join(Names(), ", "))
	}
	if rest == "" {
		return spec, nil
	}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, found := strings.Cut(part, "=")
		i := slices.IndexFunc(a.Options, func(o Option) bool { return o.Name == key })
		if !found || i < 0 {
			return spec, fmt.Errorf("student %s has no option %q; it has %s", name, part, a.optionNames())
		}
		if err := a.Options[i].check(value); err != nil {
			return spec, fmt.Errorf("student %s: %w", name, err)
		}
		spec.Options[key] = value
	}
	return spec, nil
}

// String writes the specification as ParseSpec reads it, options in the
// architecture's order.
func (s Spec) String() string {
	var parts []string
	if a, ok := archs[s.Arch]; ok {
		for _, o := range a.Options {
			if v, ok := s.Options[o.Name]; ok {
				parts = append(parts, o.Name+"="+v)
			}
		}
	}
	if len(parts) == 0 {
		return s.Arch
	}
	return s.Arch + ":" + strings.Join(parts, ",")
}

// Option is a setting of an architecture: a number where Max is set, else one of
// Choices.
type Option struct {
	Name    string
	Default string
	Doc     string
	Min     int
	Max     int
	Choices []string
}

func (o Option) check(value string) error {
	if o.Max == 0 {
		if !slices.Contains(o.Choices, value) {
			return fmt.Errorf("option %s is one of %s, not %q", o.Name, strings.Join(o.Choices, ", "), value)
		}
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < o.Min || n > o.Max {
		return fmt.Errorf("option %s is a number from %d to %d, not %q", o.Name, o.Min, o.Max, value)
	}
	return nil
}
