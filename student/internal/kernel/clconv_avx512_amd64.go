// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen_clconv.go gen_writer.go

// lasts are this machine's loops over channels-last images, or nil.
var lasts = detectLasts()

func detectLasts() *lastLoops {
	if !cpu.X86.HasAVX512F || !cpu.X86.HasAVX512DQ {
		return nil
	}
	return &lastLoops{
		lines: [2][]func(*lines32){
			{avx512Lines1x1, avx512Lines1x2, avx512Lines1x3, avx512Lines1x4, avx512Lines1x5, avx512Lines1x6, avx512Lines1x7, avx512Lines1x8, avx512Lines1x9, avx512Lines1x10, avx512Lines1x11, avx512Lines1x12, avx512Lines1x13, avx512Lines1x14, avx512Lines1x15, avx512Lines1x16, avx512Lines1x17, avx512Lines1x18, avx512Lines1x19, avx512Lines1x20, avx512Lines1x21, avx512Lines1x22, avx512Lines1x23, avx512Lines1x24},
			{avx512Lines2x1, avx512Lines2x2, avx512Lines2x3, avx512Lines2x4, avx512Lines2x5, avx512Lines2x6, avx512Lines2x7, avx512Lines2x8, avx512Lines2x9, avx512Lines2x10, avx512Lines2x11, avx512Lines2x12, avx512Lines2x13, avx512Lines2x14},
		},
		outers: [2][]func(*outers32){
			{avx512Outers1x1, avx512Outers1x2, avx512Outers1x3, avx512Outers1x4, avx512Outers1x5, avx512Outers1x6, avx512Outers1x7, avx512Outers1x8, avx512Outers1x9, avx512Outers1x10, avx512Outers1x11, avx512Outers1x12, avx512Outers1x13, avx512Outers1x14, avx512Outers1x15, avx512Outers1x16, avx512Outers1x17, avx512Outers1x18, avx512Outers1x19, avx512Outers1x20, avx512Outers1x21, avx512Outers1x22, avx512Outers1x23, avx512Outers1x24},
			{avx512Outers2x1, avx512Outers2x2, avx512Outers2x3, avx512Outers2x4, avx512Outers2x5, avx512Outers2x6, avx512Outers2x7, avx512Outers2x8, avx512Outers2x9, avx512Outers2x10, avx512Outers2x11, avx512Outers2x12, avx512Outers2x13, avx512Outers2x14},
		},
		maskedRow:  avx512MaskedRow,
		transforms: [...]func(*transform32){avx512TransformInput, avx512TransformOutput, avx512TransformGradient, avx512TransformKernel, avx512TransformKernelGradient},
	}
}

func avx512Lines1x1(l *lines32)

func avx512Lines1x2(l *lines32)

func avx512Lines1x3(l *lines32)

func avx512Lines1x4(l *lines32)

func avx512Lines1x5(l *lines32)

func avx512Lines1x6(l *lines32)

func avx512Lines1x7(l *lines32)

func avx512Lines1x8(l *lines32)

func avx512Lines1x9(l *lines32)

func avx512Lines1x10(l *lines32)

func avx512Lines1x11(l *lines32)

func avx512Lines1x12(l *lines32)

func avx512Lines1x13(l *lines32)

func avx512Lines1x14(l *lines32)

func avx512Lines1x15(l *lines32)

func avx512Lines1x16(l *lines32)

func avx512Lines1x17(l *lines32)

func avx512Lines1x18(l *lines32)

func avx512Lines1x19(l *lines32)

func avx512Lines1x20(l *lines32)

func avx512Lines1x21(l *lines32)

func avx512Lines1x22(l *lines32)

func avx512Lines1x23(l *lines32)

func avx512Lines1x24(l *lines32)

func avx512Lines2x1(l *lines32)

func avx512Lines2x2(l *lines32)

func avx512Lines2x3(l *lines32)

func avx512Lines2x4(l *lines32)

func avx512Lines2x5(l *lines32)

func avx512Lines2x6(l *lines32)

func avx512Lines2x7(l *lines32)

func avx512Lines2x8(l *lines32)

func avx512Lines2x9(l *lines32)

func avx512Lines2x10(l *lines32)

func avx512Lines2x11(l *lines32)

func avx512Lines2x12(l *lines32)

func avx512Lines2x13(l *lines32)

func avx512Lines2x14(l *lines32)

func avx512Outers1x1(o *outers32)

func avx512Outers1x2(o *outers32)

func avx512Outers1x3(o *outers32)

func avx512Outers1x4(o *outers32)

func avx512Outers1x5(o *outers32)

func avx512Outers1x6(o *outers32)

func avx512Outers1x7(o *outers32)

func avx512Outers1x8(o *outers32)

func avx512Outers1x9(o *outers32)

func avx512Outers1x10(o *outers32)

func avx512Outers1x11(o *outers32)

func avx512Outers1x12(o *outers32)

func avx512Outers1x13(o *outers32)

func avx512Outers1x14(o *outers32)

func avx512Outers1x15(o *outers32)

func avx512Outers1x16(o *outers32)

func avx512Outers1x17(o *outers32)

func avx512Outers1x18(o *outers32)

func avx512Outers1x19(o *outers32)

func avx512Outers1x20(o *outers32)

func avx512Outers1x21(o *outers32)

func avx512Outers1x22(o *outers32)

func avx512Outers1x23(o *outers32)

func avx512Outers1x24(o *outers32)

func avx512Outers2x1(o *outers32)

func avx512Outers2x2(o *outers32)

func avx512Outers2x3(o *outers32)

func avx512Outers2x4(o *outers32)

func avx512Outers2x5(o *outers32)

func avx512Outers2x6(o *outers32)

func avx512Outers2x7(o *outers32)

func avx512Outers2x8(o *outers32)

func avx512Outers2x9(o *outers32)

func avx512Outers2x10(o *outers32)

func avx512Outers2x11(o *outers32)

func avx512Outers2x12(o *outers32)

func avx512Outers2x13(o *outers32)

func avx512Outers2x14(o *outers32)

func avx512MaskedRow(pixels, step int, dst, src, y, sum *float32, mask int)

func avx512TransformInput(t *transform32)

func avx512TransformOutput(t *transform32)

func avx512TransformGradient(t *transform32)

func avx512TransformKernel(t *transform32)

func avx512TransformKernelGradient(t *transform32)
