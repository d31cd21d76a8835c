// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"unsafe"

	"github.com/kdcompress/kdcompress/student/internal/kernel"
	"golang.org/x/sys/unix"
)

// hugePages asks the system to back a large slice, not touched as yet, with pages of
// two MiB where it can: walking tens of megabytes then misses the tables of pages less
// often. It is advice, so a refusal is none of the caller's business.
func hugePages[T kernel.Float](x []T) []T {
	const page = 2 << 20
	var element T
	size := uintptr(len(x)) * unsafe.Sizeof(element)
	if size < 2*page {
		return x
	}
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	skip := (page - begin%page) % page
	n := (size - skip) / page * page
	inside := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), skip)), n)
	_ = unix.Madvise(inside, unix.MADV_HUGEPAGE)
	return x
}
