// SPDX-License-Identifier: Apache-2.0

package kernel

// The transforms of Winograd's minimal filtering F(4x4, 3x3) with the points 0, 1,
// -1, 2, -2 and infinity; Lavin and Gray 2016, https://arxiv.org/abs/1509.09308.
const (
	winogradInput    = iota // Bᵀ, 6x6: of an image
	winogradOutput          // Aᵀ, 4x6: to an image
	winogradGradient        // A, 6x4: of the gradient of an output
	winogradKernel          // G, 6x3: of a kernel
	winogradWeight          // Gᵀ, 3x6: to the gradient of a kernel
	transformKinds
)

var winograd = [transformKinds][][]float64{
	winogradInput: {
		{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
		{0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}},
	winogradOutput: {
		{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}},
	winogradGradient: {
		{1, 0, 0, 0}, {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8}, {1, -2, 4, -8}, {0, 0, 0, 1}},
	winogradKernel: {
		{1. / 4, 0, 0}, {-1. / 6, -1. / 6, -1. / 6}, {-1. / 6, 1. / 6, -1. / 6},
		{1. / 24, 1. / 12, 1. / 6}, {1. / 24, -1. / 12, 1. / 6}, {0, 0, 1}},
	winogradWeight: {
		{1. / 4, -1. / 6, -1. / 6, 1. / 24, 1. / 24, 0}, {0, -1. / 6, 1. / 6, 1. / 12, -1. / 12, 0},
		{0, -1. / 6, -1. / 6, 1. / 6, 1. / 6, 1}},
}

// transform is M·X·Mᵀ for tiles in a row and every one of their channels: element
// i, j of X begins at in[i*inRow + j*inCol], of the result at out[i*outRow +
// j*outCol]; tiles are inTile and outTile apart. Only an output has a bias, a number
// a channel or nil, and relu, which leaves nothing negative.
type transform[T Float] struct {
	kind                    int
	tiles, channels         int
	in                      []T
	inRow, inCol, inTile    int
	out                     []T
	outRow, outCol, outTile int
	bias                    []T
	relu                    bool

	raw transform32
}

// transform32 is what the assembly sees of transform, as lines32 of lines. It uses
// up tiles, in and out.
type transform32 struct {
	tiles, blocks           int
	in                      uintptr
	inRow, inCol, inTile    int
	out                     uintptr
	outRow, outCol, outTile int
	scratch                 uintptr
	bias                    uintptr
	relu                    int
	mask, last              int
}

// transformScratch is the number of elements of scratch space a transform wants.
const transformScratch = 36 * mostLanes

// run computes the tiles.
func (t *transform[T]) run(scratch []T) {
	if t.tiles == 0 {
		return
	}
	f := lastsOf(t.in)
	if f == nil {
		transformGo(t)
		return
	}
	m := winograd[t.kind]
	rows, cols := len(m), len(m[0])
	_ = t.in[(cols-1)*(t.inRow+t.inCol)+(t.tiles-1)*t.inTile+t.channels-1]
	_ = t.out[(rows-1)*(t.outRow+t.outCol)+(t.tiles-1)*t.outTile+t.channels-1]
	_ = scratch[transformScratch-1]
	s := &t.raw
	*s = transform32{tiles: t.tiles, blocks: (t.channels + f.lanes - 1) / f.lanes,
		in: address(t.in), inRow: 4 * t.inRow, inCol: 4 * t.inCol, inTile: 4 * t.inTile,
		out: address(t.out), outRow: 4 * t.outRow, outCol: 4 * t.outCol, outTile: 4 * t.outTile,
		scratch: address(scratch), bias: address(t.bias), relu: flag(t.relu)}
	s.mask, s.last = lastLanes(t.channels)
	f.transforms[t.kind](s)
}

// transformGo is the plain form of transform.
func transformGo[T Float](t *transform[T]) {
	m := winograd[t.kind]
	rows, cols := len(m), len(m[0])
	var half [6][6]T
	for tile := range t.tiles {
		for c := range t.channels {
			for i := range rows {
				for j := range cols {
					var sum T
					for k, v := range m[i] {
						sum += T(v) * t.in[tile*t.inTile+k*t.inRow+j*t.inCol+c]
					}
					half[i][j] = sum
				}
			}
			for i := range rows {
				for j := range rows {
					var sum T
					for k, v := range m[j] {
						sum += T(v) * half[i][k]
					}
					if t.bias != nil {
						sum += t.bias[c]
					}
					if t.relu && sum < 0 {
						sum = 0
					}
					t.out[tile*t.outTile+i*t.outRow+j*t.outCol+c] = sum
				}
			}
		}
	}
}
