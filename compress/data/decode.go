// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync"
)

// load decodes the pictures on all cores, keeps them where there is room, and returns what is wrong with which.
func (g *gallery) load(ctx context.Context, l *listing) (map[int]error, error) {
	n := len(l.names)
	errs := make([]error, n)
	decode := func(i int, blob []byte, err error, scratch []byte) {
		if errs[i] = err; err != nil {
			return
		}
		g.keys[i] = keyOf(blob)
		img, err := decodePicture(blob)
		if errs[i] = err; err != nil {
			return
		}
		if g.data != nil {
			scratch = g.data[i*g.bytes() : (i+1)*g.bytes()]
		}
		g.pack(scratch, img)
	}
	bad := map[int]error{}
	maps.Copy(bad, l.bad)
	var err error
	if l.stream != nil {
		err = g.drain(ctx, l, bad, decode)
	} else {
		err = parallel(ctx, n, 32, func(from, to int) error {
			scratch := make([]byte, g.bytes())
			for i := from; i < to; i++ {
				if bad[i] == nil {
					blob, err := l.read(i)
					decode(i, blob, err, scratch)
				}
			}
			return nil
		})
	}
	for i, err := range errs {
		if err != nil {
			bad[i] = err
		}
	}
	return bad, err
}

// drain decodes pictures as they come out of an archive.
func (g *gallery) drain(ctx context.Context, l *listing, bad map[int]error, decode func(int, []byte, error, []byte)) error {
	type job struct {
		i    int
		blob []byte
	}
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for j := range jobs {
				decode(j.i, j.blob, nil, nil)
			}
		})
	}
	seen := make([]bool, len(l.names))
	err := l.stream(ctx, func(i int, blob []byte) error {
		if bad[i] == nil {
			seen[i] = true
			jobs <- job{i, blob}
		}
		return ctx.Err()
	})
	close(jobs)
	wg.Wait()
	for i := range seen {
		if err == nil && !seen[i] && bad[i] == nil {
			err = fmt.Errorf("%s: has changed while it was read", l.path)
		}
	}
	return err
}
