#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Print the Python interpreter that has the newest PyTorch: of an active or local
# virtual environment, of PATH, or the system's. Fails where none has one.
newest=$(for python in "${VIRTUAL_ENV:-.venv}/bin/python" .venv/bin/python python3 python /usr/bin/python3; do
	path=$(command -v "$python") || continue
	version=$("$path" -c 'import torch; print(torch.__version__)' 2>/dev/null) || continue
	echo "$version $path"
done | sort -V | tail -n 1)
[ -n "$newest" ] || { echo "no Python with PyTorch; name one: make bench-step PYTHON=..." >&2; exit 1; }
echo "${newest#* }"
