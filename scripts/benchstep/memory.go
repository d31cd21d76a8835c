// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"strings"
)

// memory of the process, in bytes; zeros where /proc does not tell.
type memory struct {
	Peak int64 `json:"peak"`
	Idle int64 `json:"idle"`
}

// resident reads VmRSS, the memory that is resident, or VmHWM, the most that was.
func resident(field string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field+":" {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
