// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package engine

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// hugePages does nothing here: there is no advice to give.
func hugePages[T kernel.Float](x []T) []T { return x }
