// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// mostLanes is how many channels, the fastest axis, the longest vector of the loops
// over channels-last images holds.
const mostLanes = 16

// lasts are the loops in use, or nil.
var lasts = fastest(lastSets)

func fastest(sets []*lastLoops) *lastLoops {
	if len(sets) == 0 {
		return nil
	}
	return sets[0]
}

// lanes is how many channels a vector of the loops in use holds.
func lanes() int {
	if lasts == nil {
		return mostLanes
	}
	return lasts.lanes
}

// lines is a strip of outputs: pixels as rows, channels as columns. Row p is the sum
// over segments s and steps k of
//
//	a[p*as + off[s] + k] * b[(s*steps + k)*width ...]
//
// plus bias, which may be nil. The columns are one or two vectors, width in all, of
// which cols are stored. With add, c is added to; with relu,
// what is stored is not negative.
type lines[T Float] struct {
	pixels    int
	a         []T
	as        int
	off       []int
	steps     int
	b         []T
	c         []T
	cs        int
	bias      []T
	width     int
	cols      int
	add, relu bool

	ahead *Ahead[T] // asked for meanwhile

	raw lines32
}

// lines32 is what the assembly sees of lines: addresses, and distances in bytes.
// It uses up tiles, a and c. It lies in lines, which keeps what it points to, because
// a structure on the stack would be moved to the heap at every call through a table.
type lines32 struct {
	tiles    int
	a        uintptr
	as       int
	segments int
	off      uintptr // of distances in bytes
	steps    int
	b, c     uintptr
	cs       int
	add      int
	bias     uintptr
	relu     int
	mask     int // of the lanes of the last vector,
	last     int // and how many they are
	ahead    pace
}

// address is where a slice begins.
func address[E any](x []E) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(x))) }

// flag is 1 for true.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lastLoops are the loops over channels-last float32 images of this machine; the
// first two by the number of vectors and of rows, less one each.
type lastLoops struct {
	lanes      int
	lines      [2][]func(*lines32)
	outers     [2][]func(*outers32)
	maskedRow  func(pixels, step int, dst, src, y, sum *float32, mask, lanes int)
	transforms [transformKinds]func(*transform32)
}

// lastsOf are the loops for elements of x, or nil.
func lastsOf[T Float](x []T) *lastLoops {
	var element T
	if unsafe.Sizeof(element) != 4 {
		return nil
	}
	return lasts
}

// ChannelsLast says whether this machine has loops over channels-last float32
// images that are faster than those over images of planes.
func ChannelsLast() bool { return lasts != nil }

// lastLanes selects the channels of the last vector of cols: a mask of them, and how
// many they are.
func lastLanes(cols int) (mask, count int) {
	count = (cols-1)%lanes() + 1
	return 1<<count - 1, count
}

// run computes the strip. offBytes are the offsets off in bytes of float32.
func (l *lines[T]) run(offBytes []int) {
	if l.pixels == 0 {
		return
	}
	f := lastsOf(l.a)
	if f == nil {
		linesGo(l)
		return
	}
	// The furthest elements touched: a slice that is too short is a programmer's mistake.
	_ = l.c[(l.pixels-1)*l.cs+l.cols-1]
	_ = l.b[len(l.off)*l.steps*l.width-1]
	forms := f.lines[l.width/f.lanes-1]
	s := &l.raw
	*s = lines32{a: address(l.a), as: 4 * l.as, segments: len(l.off), off: address(offBytes), steps: l.steps,
		b: address(l.b), c: address(l.c), cs: 4 * l.cs, add: flag(l.add), bias: address(l.bias), relu: flag(l.relu)}
	s.mask, s.last = lastLanes(l.cols)
	n := (l.pixels + len(forms) - 1) / len(forms)
	s.ahead = l.ahead.take(n * len(l.off) * l.steps)
	rows, more := l.pixels/n, l.pixels%n
	if more > 0 {
		s.tiles = more
		forms[rows](s)
	}
	s.tiles = n - more
	forms[rows-1](s)
}

// linesGo is the plain form of lines.
func linesGo[T Float](l *lines[T]) {
	width := l.width
	for p := range l.pixels {
		var sum [2 * mostLanes]T
		copy(sum[:l.cols], l.bias)
		at := 0
		for _, o := range l.off {
			for _, x := range l.a[p*l.as+o:][:l.steps] {
				for j, v := range l.b[at : at+width] {
					sum[j] += x * v
				}
				at += width
			}
		}
		c := l.c[p*l.cs:][:l.cols]
		for j := range c {
			v := sum[j]
			if l.add {
				v += c[j]
			}
			if l.relu && v < 0 {
				v = 0
			}
			c[j] = v
		}
	}
}
