// SPDX-License-Identifier: Apache-2.0

//go:build (!amd64 && !arm64) || noasm

package kernel

// tilings are those this machine can run, the best first.
var tilings []*tiling
