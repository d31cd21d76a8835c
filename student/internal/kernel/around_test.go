// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// unsafeAround is a slice that guarded made, with the guards on both its sides.
func unsafeAround[T Float](x []T) []T {
	var zero T
	first := unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), -guard*int(unsafe.Sizeof(zero)))
	return unsafe.Slice((*T)(first), len(x)+2*guard)
}
