// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// lastSets are this machine's loops over channels-last images: none.
var lastSets []*lastLoops
