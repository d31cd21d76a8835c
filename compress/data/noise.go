// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// noisePrefix begins the name of a source that is drawn rather than read:
// "noise:SAMPLES" or "noise:SAMPLES:SEED".
const noisePrefix = "noise:"

// mostNoise bounds the pictures drawn.
const mostNoise = 10_000_000

// openNoise draws pictures of noise for a model that takes pictures, for a teacher
// whose data nobody has. White noise is of no use there: it looks the same to a
// teacher whatever its pixels, which then calls all of it one class. These pictures
// have patterns of all sizes: normal numbers on grids of 2, 3, 5, 8, ... points a
// side up to half the picture's, interpolated, each grid with a weight of its own;
// a threshold and a contrast, drawn too, leave blobs and strokes on dark or bright
// ground. Every picture follows from its number and the seed alone.
func openNoise(ctx context.Context, path string, want []Want, o Options) (*source, error) {
	number, rest, seeded := strings.Cut(strings.TrimPrefix(path, noisePrefix), ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > mostNoise {
		return nil, fmt.Errorf("%s: noise:SAMPLES takes a number from 1 to %d", clean(path), mostNoise)
	}
	seed := uint64(1)
	if seeded {
		if seed, err = strconv.ParseUint(rest, 10, 64); err != nil {
			return nil, fmt.Errorf("%s: noise:SAMPLES:SEED takes a whole number for a seed", clean(path))
		}
	}
	switch {
	case o.Format != "" || len(o.Columns)+len(o.Skip) > 0:
		return nil, fmt.Errorf("%s: is drawn, not read: --format, --columns and --skip do not suit it", path)
	case o.Labels != "":
		return nil, fmt.Errorf("%s: noise has no labels", path)
	}
	if err := single(path, want); err != nil {
		return nil, err
	}
	f, _, err := newFrame(path, want[0], o)
	if err != nil {
		return nil, err
	}
	all := n
	n = o.upTo(n)
	if need := int64(n) * int64(f.bytes()); need > o.Memory {
		return nil, fmt.Errorf("%s: takes %d bytes, more than the %d that are kept in memory: draw fewer", path, need, o.Memory)
	}
	h := header{elem: kindU8, dims: append([]int{n}, f.shape()...), pictures: true}
	o.Channels = ""
	made, err := newField(path, want[0], h, f.shape(), o)
	if err != nil {
		return nil, err
	}
	a := &array{elem: kindU8, stride: f.bytes(), data: make([]byte, n*f.bytes())}
	made.col = a
	err = parallel(ctx, n, 32, func(from, to int) error {
		c := newCloud(f.h, f.w)
		for i := from; i < to; i++ {
			c.draw(f, a.data[i*a.stride:(i+1)*a.stride], rand.New(rand.NewPCG(seed, uint64(i))))
		}
		return nil
	})
	return &source{path: path, n: n, limited: n < all, fields: []field{made},
		name: func(i int) string { return fmt.Sprintf("picture %d of %s", i+1, path) }}, err
}

// cloud draws fields of noise of one size.
type cloud struct {
	h, w             int
	common, own, one []float64
	grid             []float64
}

func newCloud(h, w int) *cloud {
	n := h * w
	return &cloud{h: h, w: w, common: make([]float64, n), own: make([]float64, n), one: make([]float64, n)}
}

// draw writes a picture in the form of f.
func (c *cloud) draw(f frame, dst []byte, r *rand.Rand) {
	contrast, ground, shared := 1+3*r.Float64(), 3*r.Float64()-1.5, r.Float64()
	c.field(c.common, r)
	pixel, plane := f.channels, 1
	if f.layout == nchw {
		pixel, plane = 1, f.h*f.w
	}
	for ch := range f.channels {
		x := c.common
		if f.channels > 1 {
			x = c.own
			c.field(x, r)
			for k := range x {
				x[k] = shared*c.common[k] + (1-shared)*x[k]
			}
			standard(x)
		}
		for k, v := range x {
			dst[k*pixel+ch*plane] = byte(math.Round(255 * min(max(contrast*(v-ground), 0), 1)))
		}
	}
}

// field fills dst with patterns of all sizes, with mean 0 and deviation 1.
func (c *cloud) field(dst []float64, r *rand.Rand) {
	clear(dst)
	for a, b := 2, 3; a == 2 || a <= max(c.h, c.w)/2; a, b = b, a+b {
		c.grid = c.grid[:0]
		for range a * a {
			c.grid = append(c.grid, r.NormFloat64())
		}
		c.enlarge(a)
		standard(c.one)
		weight := r.Float64()
		for k, v := range c.one {
			dst[k] += weight * v
		}
	}
	standard(dst)
}

// enlarge interpolates the grid of n by n points linearly over the picture.
func (c *cloud) enlarge(n int) {
	at := func(i, size int) (int, float64) {
		p := float64(i) * float64(n-1) / float64(max(size-1, 1))
		lo := min(int(p), n-2)
		return lo, p - float64(lo)
	}
	for y := range c.h {
		top, fy := at(y, c.h)
		for x := range c.w {
			left, fx := at(x, c.w)
			g := c.grid[top*n+left:]
			c.one[y*c.w+x] = (1-fy)*((1-fx)*g[0]+fx*g[1]) + fy*((1-fx)*g[n]+fx*g[n+1])
		}
	}
}

// standard brings numbers to mean 0 and deviation 1.
func standard(x []float64) {
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	mean := sum / float64(len(x))
	for i, v := range x {
		x[i] = v - mean
		squares += x[i] * x[i]
	}
	by := 1 / max(math.Sqrt(squares/float64(len(x))), 1e-9)
	for i := range x {
		x[i] *= by
	}
}
