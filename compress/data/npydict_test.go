// SPDX-License-Identifier: Apache-2.0

package data

import (
	"slices"
	"testing"
)

func TestNPYDict(t *testing.T) {
	const tail = ", 'fortran_order': False, 'shape': (2,)}"
	for _, c := range []struct {
		name, text string
		shape      []int
		err        string // "" where it is read
	}{
		{"numpy's own", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n", []int{2, 3}, ""},
		{"other order, double quotes", `{"shape":(2,3),"descr":"<f4","fortran_order":True}`, []int{2, 3}, ""},
		{"one dimension", "{'descr': '<f4'" + tail, []int{2}, ""},
		{"python 2 sizes", "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L)}", []int{2, 3}, ""},
		{"no dimensions", "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", []int{}, ""},
		{"nothing", "", nil, "it ends where '{' should stand"},
		{"list", "['descr']", nil, "'[' stands where '{' should"},
		{"empty", "{}", nil, `key "descr" is missing`},
		{"end missing", "{'descr': '<f4'", nil, "it ends where '}' should stand"},
		{"key unquoted", "{descr: '<f4'" + tail, nil, "a quoted string is missing"},
		{"string without end", "{'descr': '<f4", nil, "does not end"},
		{"escape", `{'descr': '<\x66'` + tail, nil, "backslash"},
		{"key twice", "{'descr': '<f4', 'descr': '<f4'" + tail, nil, "stands twice"},
		{"order a number", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", nil, "neither True nor False"},
		{"shape a list", "{'descr': '<f4', 'fortran_order': False, 'shape': [2]}", nil, "'[' stands where '(' should"},
		{"size negative", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", nil, "something else than sizes"},
		{"size beyond bounds", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", nil, "something else than sizes"},
		{"text behind", "{'descr': '<f4'" + tail + " x", nil, "something follows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := parseNPYDict(c.text)
			if c.err != "" {
				wantError(t, err, c.err)
				return
			}
			if err != nil || d.descr != "<f4" || !slices.Equal(d.shape, c.shape) {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}
