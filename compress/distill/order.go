// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"slices"

	"github.com/kdcompress/kdcompress/compress/data"
)

// repeats bounds how often a balanced epoch shows one sample.
const repeats = 10

// order lists the samples of an epoch. Without Classes that is every one once.
func (t *trainer) order(epoch int) []int {
	if t.Classes == nil {
		order := slices.Clone(t.Config.Train)
		data.Shuffle(order, t.Seed, uint64(epoch))
		return order
	}
	return balanced(t.Config.Train, t.Classes, t.Seed, uint64(epoch))
}

// balanced draws about as many samples as there are, equally many of every class
// that occurs. Rare classes are shown up to repeats times over, frequent ones in
// part, another part in every epoch.
func balanced(train, classes []int, seed, epoch uint64) []int {
	lists := map[int][]int{}
	var present []int
	for i, s := range train {
		c := classes[i]
		if lists[c] == nil {
			present = append(present, c)
		}
		lists[c] = append(lists[c], s)
	}
	slices.Sort(present)
	quota := max(len(train)/max(len(present), 1), 1)
	var order []int
	for _, c := range present {
		list := slices.Clone(lists[c])
		for n := min(quota, repeats*len(list)); n > 0; n -= len(list) {
			data.Shuffle(list, seed+uint64(c)+1, epoch*(repeats+1)+uint64(n))
			order = append(order, list[:min(n, len(list))]...)
		}
	}
	data.Shuffle(order, seed, epoch)
	return order
}
