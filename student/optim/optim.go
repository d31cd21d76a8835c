// SPDX-License-Identifier: Apache-2.0

// Package optim updates a flat vector of weights from a flat vector of
// gradients. It knows nothing of graphs.
//
// Everything runs over parts of the vectors on all processors. The parts do not depend
// on how many there are, so neither do the results; a step allocates nothing.
package optim

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Optimizer changes weights by one step along their gradients. Its State is what
// a checkpoint must hold to go on as if nothing had happened.
type Optimizer interface {
	// Step updates w in place. len(w) and len(grad) are the optimizer's size.
	Step(w, grad []float32, lr float64)
	// MarshalBinary and UnmarshalBinary save and restore moments and step count.
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// Range says that the weights from Off on, Len of them, decay at Rate. Lists of ranges
// are in ascending order and do not overlap.
type Range struct {
	Off, Len int
	Rate     float64
}

// pack writes a count and lists of float32, all little-endian.
func pack(count uint64, lists ...[]float32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, count)
	for _, list := range lists {
		for _, x := range list {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b
}

// unpack reads what pack wrote into lists of the same lengths.
func unpack(b []byte, lists ...[]float32) (count uint64, err error) {
	size := 8
	for _, list := range lists {
		size += 4 * len(list)
	}
	if len(b) != size {
		return 0, fmt.Errorf("state of an optimizer of %d bytes, want %d: it is of another number of weights or another optimizer", len(b), size)
	}
	count = binary.LittleEndian.Uint64(b)
	b = b[8:]
	for _, list := range lists {
		for i := range list {
			list[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		b = b[4*len(list):]
	}
	return count, nil
}
