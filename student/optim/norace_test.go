// SPDX-License-Identifier: Apache-2.0

//go:build !race

package optim

// racing says that the race detector runs.
const racing = false
