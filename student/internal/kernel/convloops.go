// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

const (
	viewRows   = 6   // of the largest tile over views
	viewDepth  = 320 // views at a time: a tile's part of them stays in the first cache
	viewBlock  = 8   // columns that tiles are wide, or a multiple
	outerWidth = 16  // columns of an outer product
	dotsRows   = 9   // of the most scalar products at a time
)

type (
	viewsFunc func(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)
	outerFunc func(rows, cols, skip int, img *float32, off *int, d, acc *float32)
	dotsFunc  func(blocks int, img *float32, off *int, d, acc *float32)
)

// convLoops are the loops of convolutions over float32 that this machine runs
// several elements at a time. The first three have a form for each number of rows
// from one on; the others want four elements a row.
type convLoops struct {
	views [viewRows]viewsFunc
	outer [viewRows]outerFunc
	dots  [dotsRows]dotsFunc
	move  func(rows, width int, dst *float32, ds int, src *float32, ss int, bias float32)
	add   func(rows, width int, dst *float32, ds int, src *float32, ss int)
	split func(rows, pairs int, even, odd *float32, ds int, src *float32, ss int)
	merge func(rows, pairs int, dst *float32, ds int, even, odd *float32, ss int)
}

// convsOf are the loops for elements of x, or nil.
func convsOf[T Float](x []T) *convLoops {
	var element T
	if unsafe.Sizeof(element) != 4 {
		return nil
	}
	return convs
}

// views sets C, rows by blocks*viewBlock, to the product of A and a matrix whose
// row p is the view of img that begins at off[p]. Element i, p of A is
// a[p*rows+i].
func views[T Float](rows, blocks int, a, img []T, off []int, c []T, ldc int) {
	n := blocks * viewBlock
	a, c = a[:rows*len(off)], c[:(rows-1)*ldc+n]
	if f := convsOf(img); f != nil {
		depth := even(len(off), viewDepth)
		for p := 0; p < len(off); p += depth {
			part := off[p:min(p+depth, len(off))]
			f.views[rows-1](blocks, len(part), first(a[p*rows:]), first(img), unsafe.SliceData(part), first(c), ldc, p)
		}
		return
	}
	viewsGo(rows, a, img, off, c, ldc, n)
}

// viewsGo is the plain form of views, for n columns.
func viewsGo[T Float](rows int, a, img []T, off []int, c []T, ldc, n int) {
	for i := range rows {
		row := c[i*ldc:][:n]
		clear(row)
		for p, o := range off {
			x := a[p*rows+i]
			for j, v := range img[o : o+n] {
				row[j] += x * v
			}
		}
	}
}

// outer adds to acc[len(off), outerWidth] the product of the views of img that
// begin at off, rows by cols elements of each with skip elements between two rows,
// and d[rows*cols, outerWidth]. Every sum runs over the positions in order before
// acc is added to it.
func outer[T Float](rows, cols, skip int, img []T, off []int, d, acc []T) {
	d, acc = d[:rows*cols*outerWidth], acc[:len(off)*outerWidth]
	if f := convsOf(img); f != nil {
		f.outer[len(off)-1](rows, cols, skip, first(img), unsafe.SliceData(off), first(d), first(acc))
		return
	}
	outerGo(rows, cols, skip, img, off, d, acc)
}

// outerGo is the plain form of outer.
func outerGo[T Float](rows, cols, skip int, img []T, off []int, d, acc []T) {
	for i, o := range off {
		var sum [outerWidth]T
		at := 0
		for y := range rows {
			for _, x := range img[o+y*(cols+skip):][:cols] {
				for j, v := range d[at : at+outerWidth] {
					sum[j] += x * v
				}
				at += outerWidth
			}
		}
		Add(acc[i*outerWidth:(i+1)*outerWidth], sum[:])
	}
}

// dots adds to acc the scalar products of d, a multiple of viewBlock elements, and
// the views of img that begin at off.
func dots[T Float](img []T, off []int, d, acc []T) {
	acc = acc[:len(off)]
	if f := convsOf(img); f != nil {
		f.dots[len(off)-1](len(d)/viewBlock, first(img), unsafe.SliceData(off), first(d), first(acc))
		return
	}
	dotsGo(img, off, d, acc)
}

// dotsGo is the plain form of dots.
func dotsGo[T Float](img []T, off []int, d, acc []T) {
	for i, o := range off {
		var sum T
		for j, v := range img[o : o+len(d)] {
			sum += v * d[j]
		}
		acc[i] += sum
	}
}
