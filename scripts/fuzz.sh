#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target of the module, one after another, for the time given
# (default 30s). Usage: scripts/fuzz.sh [TIME]
set -eu
time=${1:-30s}
cd "$(dirname "$0")/.."
grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | while read -r target; do
		echo "$(dirname "$file") $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5x "$(dirname "$file")" </dev/null
	done
done
