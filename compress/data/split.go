// SPDX-License-Identifier: Apache-2.0

package data

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Split holds out about share of the numbers 0 to n-1, drawn without
// replacement; the rest is for training. Both lists ascend. The same n, share
// and seed give the same lists. With a share above zero and n above one, both
// have at least one member.
func Split(n int, share float64, seed uint64) (train, held []int) {
	if n < 0 || !(share >= 0 && share < 1) {
		panic("data: split of a negative number or by a share outside [0, 1)")
	}
	k := int(math.Round(share * float64(n)))
	if share > 0 && n > 1 {
		k = min(max(k, 1), n-1)
	}
	p := rand.New(rand.NewPCG(seed, splitStream)).Perm(n)
	held, train = p[:k:k], p[k:]
	slices.Sort(held)
	slices.Sort(train)
	return train, held
}

// splitStream keeps the draws of Split apart from those of Shuffle, whose
// streams are numbered by epoch.
const splitStream = 1<<64 - 1
