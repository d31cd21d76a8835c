// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// fastPairs is not called where lasts is nil.
func fastPairs(*pairs32) { panic("kernel: no vectors") }
