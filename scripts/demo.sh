#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Distils the MNIST teacher of models/ into demo-out/, from images alone: no label
# is read in training or in choosing the epoch. The labels of the test images
# serve the report's accuracy line only.
# Usage: scripts/demo.sh MNIST_FOLDER
set -eu
data=$1
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
exec ./bin/kdcompress distill \
	--teacher models/mnist-teacher.onnx \
	--data "$data/train-images-idx3-ubyte.gz" --mean 0.1307 --std 0.3081 \
	--eval "$data/t10k-images-idx3-ubyte.gz" --eval-labels "$data/t10k-labels-idx1-ubyte.gz" \
	--student convnet:width=16,depth=3 --epochs 7 --max-size 457kB --min-agreement 0.99 \
	--out demo-out
