// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

// convs are this machine's loops of convolutions, or nil.
var convs = &convLoops{
	views: [...]viewsFunc{neonViews1, neonViews2, neonViews3, neonViews4, neonViews5, neonViews6},
	outer: [...]outerFunc{neonOuter1, neonOuter2, neonOuter3, neonOuter4, neonOuter5, neonOuter6},
	dots:  [...]dotsFunc{neonDots1, neonDots2, neonDots3, neonDots4, neonDots5, neonDots6, neonDots7, neonDots8, neonDots9},
	move:  neonMoveRows, add: neonAddRows, split: neonSplitRows, merge: neonMergeRows,
}
