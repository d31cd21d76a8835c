// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// fast is the tiling of this machine's instruction set, or nil.
var fast *tiling
