// SPDX-License-Identifier: Apache-2.0

// Package kernel holds the numerical loops under the operators: matrix products,
// patch gathering, pooling windows. It knows slices and sizes, not graphs.
//
// Every loop exists in plain Go for float32 and float64; where a faster form
// exists for float32 the plain one documents and tests it. Loops run on the
// calling goroutine and allocate nothing once warm: the engine decides what
// runs beside what.
package kernel

// Float is an element type the loops are written for. Products run in float32;
// gradients are checked in float64.
type Float interface {
	float32 | float64
}
