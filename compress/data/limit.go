// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
)

// What a file may ask of this machine, whatever its header says.
const (
	maxPixels   = 64 << 20  // of one picture
	maxPicture  = 256 << 20 // bytes of one picture file
	maxUnpacked = 64 << 30  // bytes that come out of one compressed archive
	maxEntries  = 1 << 24   // pictures of a folder or archive
	maxArrays   = 1 << 12   // arrays of an .npz file
	maxRank     = 8         // dimensions of an array
	maxLine     = 16 << 20  // bytes of a line of a CSV file
	maxHeader   = 64 << 10  // bytes of the header of an .npy file
)

// product multiplies sizes; ok is false where one is negative or the result
// exceeds what a file can hold.
func product(dims []int) (n int, ok bool) {
	n = 1
	for _, d := range dims {
		if d < 0 || (d > 0 && n > math.MaxInt64/4096/d) {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// elements is product for dims that are known to be sound.
func elements(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// readExactly reads n bytes. Memory follows what the reader really delivers, so
// that a header cannot make a short file allocate much.
func readExactly(r io.Reader, n int64) ([]byte, error) {
	const step = 64 << 20
	buf := make([]byte, 0, min(n, step))
	for int64(len(buf)) < n {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(n, 2*int64(cap(buf))))
			copy(grown, buf)
			buf = grown
		}
		got, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+got]
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// readAtMost reads to the end, and fails where that is beyond n bytes.
func readAtMost(r io.Reader, n int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, n+1))
	if err == nil && int64(len(b)) > n {
		err = errTooLarge
	}
	return b, err
}

var (
	errTooLarge = errors.New("is larger than a file of its kind may be")
	errLongLine = errors.New("has a line of more than 16 MiB")
)

// capped fails once more than left bytes have come through, and when the
// context ends.
type capped struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// damaged words a failure to read on, unless it is that the context ended.
func damaged(what string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("is a damaged %s: %w", what, err)
}

// lines fails at a line longer than maxLine and drops a byte-order mark.
type lines struct {
	r       io.Reader
	started bool
	run     int
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for _, b := range p[:n] {
		if l.run++; b == '\n' {
			l.run = 0
		}
		if l.run > maxLine {
			return 0, errLongLine
		}
	}
	if !l.started && n > 0 {
		l.started = true
		if n >= 3 && string(p[:3]) == "\ufeff" {
			n = copy(p, p[3:n])
		}
	}
	return n, err
}
