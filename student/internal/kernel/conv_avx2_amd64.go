// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_conv.go gen_writer.go
//go:generate go run gen_rows.go gen_writer.go

// convs are this machine's loops of convolutions, or nil.
var convs = detectConvs()

func detectConvs() *convLoops {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return nil
	}
	return &convLoops{
		views: [...]viewsFunc{avx2Views1, avx2Views2, avx2Views3, avx2Views4, avx2Views5, avx2Views6},
		outer: [...]outerFunc{avx2Outer1, avx2Outer2, avx2Outer3, avx2Outer4, avx2Outer5, avx2Outer6},
		dots:  [...]dotsFunc{avx2Dots1, avx2Dots2, avx2Dots3, avx2Dots4, avx2Dots5, avx2Dots6, avx2Dots7, avx2Dots8, avx2Dots9},
		move:  avx2MoveRows, add: avx2AddRows, split: avx2SplitRows, merge: avx2MergeRows,
	}
}

//go:noescape
func avx2Views1(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Views2(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Views3(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Views4(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Views5(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Views6(blocks, k int, a, img *float32, off *int, c *float32, ldc, add int)

//go:noescape
func avx2Outer1(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Outer2(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Outer3(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Outer4(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Outer5(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Outer6(rows, cols, skip int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots1(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots2(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots3(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots4(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots5(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots6(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots7(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots8(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2Dots9(blocks int, img *float32, off *int, d, acc *float32)

//go:noescape
func avx2MoveRows(rows, width int, dst *float32, ds int, src *float32, ss int, bias float32)

//go:noescape
func avx2AddRows(rows, width int, dst *float32, ds int, src *float32, ss int)

//go:noescape
func avx2SplitRows(rows, pairs int, even, odd *float32, ds int, src *float32, ss int)

//go:noescape
func avx2MergeRows(rows, pairs int, dst *float32, ds int, even, odd *float32, ss int)
