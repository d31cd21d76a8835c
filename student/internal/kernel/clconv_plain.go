// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// lasts are this machine's loops over channels-last images, or nil.
var lasts *lastLoops
