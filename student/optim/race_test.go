// SPDX-License-Identifier: Apache-2.0

//go:build race

package optim

// racing says that the race detector runs, under which pools of buffers forget at random.
const racing = true
