// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

var vectors *vectorLoops
