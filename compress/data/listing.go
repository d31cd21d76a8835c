// SPDX-License-Identifier: Apache-2.0

package data

import "context"

// listing is where pictures lie: their names, sorted, and how to get at them.
type listing struct {
	path  string
	names []string
	bad   map[int]error // known without reading
	read  func(i int) ([]byte, error)
	// stream hands all pictures on in the order of the archive, where they can't
	// be read one by one. read is nil then.
	stream func(ctx context.Context, take func(i int, blob []byte) error) error
}

// spread is which n of the pictures are read, nil for all: names are sorted, and
// folders that are classes lie one after the other, so that the first n would be
// of the first classes.
func (l *listing) spread(n int) []int {
	if n == len(l.names) {
		return nil
	}
	kept := make([]int, n)
	for i := range kept {
		kept[i] = int(int64(i) * int64(len(l.names)) / int64(n))
	}
	return kept
}

// pick is the listing of some of the pictures, nil for all.
func (l *listing) pick(kept []int) *listing {
	if kept == nil {
		return l
	}
	p := &listing{path: l.path, bad: map[int]error{}}
	at := make(map[int]int, len(kept))
	for i, k := range kept {
		p.names, at[k] = append(p.names, l.names[k]), i
		if err := l.bad[k]; err != nil {
			p.bad[i] = err
		}
	}
	if l.read != nil {
		p.read = func(i int) ([]byte, error) { return l.read(kept[i]) }
	}
	if l.stream != nil {
		p.stream = func(ctx context.Context, take func(int, []byte) error) error {
			return l.stream(ctx, func(k int, blob []byte) error {
				if i, ok := at[k]; ok {
					return take(i, blob)
				}
				return ctx.Err()
			})
		}
	}
	return p
}
