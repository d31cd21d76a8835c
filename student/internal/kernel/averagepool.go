// SPDX-License-Identifier: Apache-2.0

package kernel

// AveragePool takes the mean under the window at every output position of one
// plane: y[w.OutLen()] from x[w.InLen()]. With includePad the padding counts as
// zeros, but what a window reaches beyond PadEnd never counts. A window that
// meets nothing yields zero.
func AveragePool[T Float](y, x []T, w *Window, includePad bool) {
	if w.OutLen() >= tapwiseLen {
		averageByTaps(y, x, w, includePad)
		return
	}
	w.patches(includePad, func(o int, p patch, taps int) {
		y[o] = total(x, p) / T(max(taps, 1))
	})
}

// AveragePoolGrad adds to dx[w.InLen()] the gradient of AveragePool, given the
// gradient dy of its output.
func AveragePoolGrad[T Float](dx, dy []T, w *Window, includePad bool) {
	if w.OutLen() >= tapwiseLen {
		averageGradByTaps(dx, dy, w, includePad)
		return
	}
	w.patches(includePad, func(o int, p patch, taps int) {
		spread(dx, p, dy[o]/T(max(taps, 1)))
	})
}

// total is the sum of the elements under a patch.
func total[T Float](x []T, p patch) (sum T) {
	for range p.depth {
		row := p.at
		for range p.rows {
			i := row
			for range p.cols {
				sum += x[i]
				i += p.step
			}
			row += p.pitch
		}
		p.at += p.area
	}
	return sum
}

// spread adds d to every element under a patch.
func spread[T Float](x []T, p patch, d T) {
	for range p.depth {
		row := p.at
		for range p.rows {
			i := row
			for range p.cols {
				x[i] += d
				i += p.step
			}
			row += p.pitch
		}
		p.at += p.area
	}
}
