// SPDX-License-Identifier: Apache-2.0

//go:build (!amd64 && !arm64) || noasm

package kernel

// convs are this machine's loops of convolutions, or nil.
var convs *convLoops
