// SPDX-License-Identifier: Apache-2.0

package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// npyDict is the dictionary in the head of an .npy file.
type npyDict struct {
	descr      string
	structured bool // descr is a list of fields
	fortran    bool
	shape      []int
}

// parseNPYDict reads
//
//	'{' { key ':' value ',' } '}'
//
// where the keys 'descr' (a string, or a list), 'fortran_order' (True or False)
// and 'shape' (a tuple of numbers) each occur once, in any order, and the last
// comma may be left out. White space may stand between any two tokens.
func parseNPYDict(text string) (npyDict, error) {
	p := npyParser{rest: text}
	var d npyDict
	seen := map[string]bool{}
	if err := p.expect('{'); err != nil {
		return d, err
	}
	for !p.take('}') {
		key, err := p.quoted()
		if err != nil {
			return d, err
		}
		if seen[key] {
			return d, fmt.Errorf("key %q stands twice", clean(key))
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return d, err
		}
		switch key {
		case "descr":
			// What a list of fields goes on to say makes no difference.
			if d.structured = p.take('['); d.structured {
				return d, nil
			}
			d.descr, err = p.quoted()
		case "fortran_order":
			d.fortran, err = p.truth()
		case "shape":
			d.shape, err = p.tuple()
		default:
			err = fmt.Errorf("key %q is unknown", clean(key))
		}
		if err != nil {
			return d, err
		}
		if !p.take(',') {
			if err := p.expect('}'); err != nil {
				return d, err
			}
			break
		}
	}
	if p.space(); p.rest != "" {
		return d, errors.New("something follows the dictionary")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return d, fmt.Errorf("key %q is missing", key)
		}
	}
	return d, nil
}

type npyParser struct{ rest string }

func (p *npyParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *npyParser) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *npyParser) expect(c byte) error {
	if p.take(c) {
		return nil
	}
	if p.rest == "" {
		return fmt.Errorf("it ends where %q should stand", c)
	}
	return fmt.Errorf("%q stands where %q should", p.rest[0], c)
}

func (p *npyParser) quoted() (string, error) {
	quote := byte('\'')
	if !p.take(quote) {
		if quote = '"'; !p.take(quote) {
			return "", errors.New("a quoted string is missing")
		}
	}
	end := strings.IndexByte(p.rest, quote)
	if end < 0 || strings.IndexByte(p.rest[:end], '\\') >= 0 {
		return "", errors.New("a string does not end or holds a backslash")
	}
	s := p.rest[:end]
	p.rest = p.rest[end+1:]
	return s, nil
}

func (p *npyParser) truth() (bool, error) {
	p.space()
	for word, v := range map[string]bool{"True": true, "False": false} {
		if rest, ok := strings.CutPrefix(p.rest, word); ok {
			p.rest = rest
			return v, nil
		}
	}
	return false, errors.New("fortran_order is neither True nor False")
}

// tuple reads "()", "(3,)" or "(3, 4)". Python 2 wrote sizes as 3L.
func (p *npyParser) tuple() ([]int, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	dims := []int{}
	for !p.take(')') {
		p.space()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.Atoi(p.rest[:digits])
		if err != nil {
			return nil, errors.New("shape holds something else than sizes")
		}
		dims = append(dims, n)
		p.rest = strings.TrimPrefix(p.rest[digits:], "L")
		if !p.take(',') {
			if err := p.expect(')'); err != nil {
				return nil, err
			}
			break
		}
	}
	return dims, nil
}
