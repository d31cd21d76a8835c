// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// CPU lists the features of this processor that matter to the speed of tensor
// arithmetic, in a fixed order, by the names Linux gives them.
func CPU() []string {
	type feature struct {
		name string
		has  bool
	}
	var all []feature
	switch runtime.GOARCH {
	case "amd64":
		all = []feature{
			{"sse4_1", cpu.X86.HasSSE41},
			{"avx", cpu.X86.HasAVX},
			{"avx2", cpu.X86.HasAVX2},
			{"fma", cpu.X86.HasFMA},
			{"f16c", cpu.X86.HasF16C},
			{"avx_vnni", cpu.X86.HasAVXVNNI},
			{"avx512f", cpu.X86.HasAVX512F},
			{"avx512bw", cpu.X86.HasAVX512BW},
			{"avx512_vnni", cpu.X86.HasAVX512VNNI},
			{"avx512_bf16", cpu.X86.HasAVX512BF16},
			{"amx_int8", cpu.X86.HasAMXInt8},
		}
	case "arm64":
		// Advanced SIMD belongs to the base architecture; systems that do not
		// tell their features have it all the same.
		all = []feature{
			{"neon", true},
			{"asimdhp", cpu.ARM64.HasASIMDHP},
			{"asimddp", cpu.ARM64.HasASIMDDP},
			{"i8mm", cpu.ARM64.HasI8MM},
			{"sve", cpu.ARM64.HasSVE},
			{"sve2", cpu.ARM64.HasSVE2},
		}
	}
	var names []string
	for _, f := range all {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}

// CPUModel is the processor's name as Linux tells it, "" elsewhere or where it
// tells none.
func CPUModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
