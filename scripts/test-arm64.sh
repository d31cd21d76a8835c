#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests the NEON loops: on an arm64 machine as they are, elsewhere under QEMU's user
# emulation (Debian: qemu-user), which is installed if that needs no asking. What has
# no NEON form is left out.
set -e
skip='Last|Winograd|ConvBands|Gemm64'
if [ "$(go env GOHOSTARCH)" = arm64 ]; then
	exec go test -skip "$skip" ./student/internal/kernel
fi
emulator() { command -v qemu-aarch64 || command -v qemu-aarch64-static; }
if ! emulator >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || ! apt-get install -y -q qemu-user >&2; then
		echo "test-arm64 needs qemu-aarch64: install your system's QEMU user emulation (Debian: apt-get install qemu-user)" >&2
		exit 1
	fi
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
GOARCH=arm64 CGO_ENABLED=0 go vet ./student/internal/kernel
GOARCH=arm64 CGO_ENABLED=0 go test -c -o "$dir/kernel.test" ./student/internal/kernel
cd student/internal/kernel
"$(emulator)" -cpu max "$dir/kernel.test" -test.skip "$skip"
