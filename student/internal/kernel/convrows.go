// SPDX-License-Identifier: Apache-2.0

package kernel

// The loops below run over rows of two arrays of different pitch, ds and ss
// elements from row to row.

// moveRows sets dst to src plus a bias.
func moveRows[T Float](rows, width int, dst []T, ds int, src []T, ss int, bias T) {
	if rows == 0 || width == 0 {
		return
	}
	dst, src = dst[:(rows-1)*ds+width], src[:(rows-1)*ss+width]
	if f := convsOf(dst); f != nil && width >= 4 {
		f.move(rows, width, first(dst), ds, first(src), ss, float32(bias))
		return
	}
	for r := range rows {
		d := dst[r*ds:][:width]
		for i, v := range src[r*ss:][:width] {
			d[i] = v + bias
		}
	}
}

// addRows adds src to dst.
func addRows[T Float](rows, width int, dst []T, ds int, src []T, ss int) {
	if rows == 0 || width == 0 {
		return
	}
	dst, src = dst[:(rows-1)*ds+width], src[:(rows-1)*ss+width]
	if f := convsOf(dst); f != nil && width >= 4 {
		f.add(rows, width, first(dst), ds, first(src), ss)
		return
	}
	for r := range rows {
		d := dst[r*ds:][:width]
		for i, v := range src[r*ss:][:width] {
			d[i] += v
		}
	}
}

// splitRows sets even and odd to every other element of rows of 2*pairs.
func splitRows[T Float](rows, pairs int, even, odd []T, ds int, src []T, ss int) {
	if rows == 0 || pairs == 0 {
		return
	}
	even, odd, src = even[:(rows-1)*ds+pairs], odd[:(rows-1)*ds+pairs], src[:(rows-1)*ss+2*pairs]
	if f := convsOf(src); f != nil && pairs >= 4 {
		f.split(rows, pairs, first(even), first(odd), ds, first(src), ss)
		return
	}
	pickRows(rows, pairs, even, ds, src, ss, 2)
	pickRows(rows, pairs, odd, ds, src[1:], ss, 2)
}

// mergeRows adds even and odd to every other element of rows of 2*pairs.
func mergeRows[T Float](rows, pairs int, dst []T, ds int, even, odd []T, ss int) {
	if rows == 0 || pairs == 0 {
		return
	}
	dst, even, odd = dst[:(rows-1)*ds+2*pairs], even[:(rows-1)*ss+pairs], odd[:(rows-1)*ss+pairs]
	if f := convsOf(dst); f != nil && pairs >= 4 {
		f.merge(rows, pairs, first(dst), ds, first(even), first(odd), ss)
		return
	}
	spreadRows(rows, pairs, dst, ds, even, ss, 2)
	spreadRows(rows, pairs, dst[1:], ds, odd, ss, 2)
}

// pickRows sets dst to every step-th element of src.
func pickRows[T Float](rows, width int, dst []T, ds int, src []T, ss, step int) {
	for r := range rows {
		s := src[r*ss:]
		for i := range dst[r*ds:][:width] {
			dst[r*ds+i] = s[i*step]
		}
	}
}

// spreadRows adds src to every step-th element of dst.
func spreadRows[T Float](rows, width int, dst []T, ds int, src []T, ss, step int) {
	for r := range rows {
		d := dst[r*ds:]
		for i, v := range src[r*ss:][:width] {
			d[i*step] += v
		}
	}
}
