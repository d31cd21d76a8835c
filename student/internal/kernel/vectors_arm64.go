// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

func detectVectors() []*vectorLoops { return []*vectorLoops{neonVectors()} }
