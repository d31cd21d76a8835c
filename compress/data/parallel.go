// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls do for every chunk [from, to) of n things on all cores and
// returns the error of the lowest chunk that failed. It stops early when the
// context ends.
func parallel(ctx context.Context, n, chunk int, do func(from, to int) error) error {
	chunks := (n + chunk - 1) / chunk
	errs := make([]error, chunks)
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), chunks) {
		wg.Go(func() {
			for !failed.Load() {
				c := int(next.Add(1)) - 1
				if c >= chunks {
					return
				}
				if errs[c] = ctx.Err(); errs[c] == nil {
					errs[c] = do(c*chunk, min(n, (c+1)*chunk))
				}
				if errs[c] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
