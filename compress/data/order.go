// SPDX-License-Identifier: Apache-2.0

package data

import "math/rand/v2"

// Shuffle permutes idx in place (Fisher-Yates over PCG). The same length, seed
// and epoch give the same permutation.
func Shuffle(idx []int, seed, epoch uint64) {
	r := rand.New(rand.NewPCG(seed, epoch))
	r.Shuffle(len(idx), func(i, j int) { idx[i], idx[j] = idx[j], idx[i] })
}
