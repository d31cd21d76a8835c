// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"
	"unsafe"
)

// plane is an input plane with its padding and the output laid out with the same
// pitch, one element for every step a window of stride one would make. What one
// tap does to all positions is then one run over memory: element i of out meets
// element i+offset(tap) of in. Between the outputs lie elements that are
// computed and dropped, or zero.
type plane[T Float] struct {
	in, out         []T
	inside, outside grid
	z, y, x         axis
	pitch, area     int // elements from row to row, and from depth to depth
}

// grid says where the rows of a compact array lie in a plane.
type grid struct {
	z, y, x           int // extent of the array
	start             int // of its first element within the plane
	area, pitch, step int // from depth to depth, row to row, element to element
}

var planes32, planes64 sync.Pool

func planePool[T Float]() *sync.Pool {
	var element T
	if unsafe.Sizeof(element) == 4 {
		return &planes32
	}
	return &planes64
}

// takePlane returns a plane that nobody uses, to be freed.
func takePlane[T Float]() *plane[T] {
	if p, ok := planePool[T]().Get().(*plane[T]); ok {
		return p
	}
	return new(plane[T])
}

// padPlane returns the plane of a window, its contents undefined.
func padPlane[T Float](w *Window) *plane[T] {
	p := takePlane[T]()
	z, y, x := w.axes()
	p.z, p.y, p.x = z, y, x
	p.pitch = x.padded()
	p.area = p.pitch * y.padded()
	p.inside = grid{z.in, y.in, x.in, z.pad*p.area + y.pad*p.pitch + x.pad, p.area, p.pitch, 1}
	p.outside = grid{z.out, y.out, x.out, 0, z.stride * p.area, y.stride * p.pitch, x.stride}
	p.in = grow(p.in, p.area*z.padded())
	p.out = grow(p.out, p.outside.at(z.out-1, y.out-1)+(x.out-1)*x.stride+1)
	return p
}

func (p *plane[T]) free() { planePool[T]().Put(p) }

// padded is the extent of the input with the padding that windows reach.
func (a *axis) padded() int {
	return max(a.pad+a.in, (a.out-1)*a.stride+(a.taps-1)*a.dilation+1)
}

// offset is how far from an output's place its input at a tap lies.
func (p *plane[T]) offset(tap int) int {
	tx := tap % p.x.taps
	ty := tap / p.x.taps % p.y.taps
	tz := tap / p.x.taps / p.y.taps
	return tz*p.z.dilation*p.area + ty*p.y.dilation*p.pitch + tx*p.x.dilation
}

// load spreads a compact array over part of a plane and clears the rest.
func (p *plane[T]) load(part, from []T, g grid) {
	clear(part)
	for z := range g.z {
		for y := range g.y {
			row, dst := from[(z*g.y+y)*g.x:][:g.x], part[g.at(z, y):]
			if g.step == 1 {
				copy(dst, row)
				continue
			}
			for i, v := range row {
				dst[i*g.step] = v
			}
		}
	}
}

// at is where a row lies within the plane.
func (g *grid) at(z, y int) int { return g.start + z*g.area + y*g.pitch }

// each calls visit for every row of n elements: at index at of the compact
// array, and from index plane on, step apart, in the plane.
func (g *grid) each(visit func(plane, at, n, step int)) {
	for z := range g.z {
		for y := range g.y {
			visit(g.at(z, y), (z*g.y+y)*g.x, g.x, g.step)
		}
	}
}
