// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

#include "textflag.h"

// Lane i of Y0 and Y1, taken as one, sums the elements i, i+8, i+16 and so on.
#define FOLD \
	VADDPD Y1, Y0, Y0 \
	VEXTRACTF128 $1, Y0, X1 \
	VADDPD X1, X0, X0 \
	VPERMILPD $1, X0, X1 \
	VADDSD X1, X0, X0

// func avx2Sum(blocks int, x *float32) float64
TEXT ·avx2Sum(SB), NOSPLIT, $0-24
	MOVQ blocks+0(FP), CX
	MOVQ x+8(FP), AX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1

step:
	VCVTPS2PD (AX), Y2
	VCVTPS2PD 16(AX), Y3
	VADDPD Y2, Y0, Y0
	VADDPD Y3, Y1, Y1
	ADDQ $32, AX
	DECQ CX
	JNZ step

	FOLD
	VMOVSD X0, ret+16(FP)
	VZEROUPPER
	RET

// func avx2Dot(blocks int, x, y *float32) float64
TEXT ·avx2Dot(SB), NOSPLIT, $0-32
	MOVQ blocks+0(FP), CX
	MOVQ x+8(FP), AX
	MOVQ y+16(FP), BX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1

step:
	VCVTPS2PD (AX), Y2
	VCVTPS2PD 16(AX), Y3
	VCVTPS2PD (BX), Y4
	VCVTPS2PD 16(BX), Y5
	VMULPD Y4, Y2, Y2
	VMULPD Y5, Y3, Y3
	VADDPD Y2, Y0, Y0
	VADDPD Y3, Y1, Y1
	ADDQ $32, AX
	ADDQ $32, BX
	DECQ CX
	JNZ step

	FOLD
	VMOVSD X0, ret+24(FP)
	VZEROUPPER
	RET

// func avx2Max(blocks int, x *float32) float32
TEXT ·avx2Max(SB), NOSPLIT, $0-20
	MOVQ blocks+0(FP), CX
	MOVQ x+8(FP), AX
	VMOVUPS (AX), Y0

	// Where either is NaN, the one so far stays.
step:
	VMOVUPS (AX), Y1
	VMAXPS Y0, Y1, Y0
	ADDQ $32, AX
	DECQ CX
	JNZ step

	VEXTRACTF128 $1, Y0, X1
	VMAXPS X0, X1, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X0, X1, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X0, X1, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET
