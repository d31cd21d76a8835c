// SPDX-License-Identifier: Apache-2.0

package kernel

// Ahead lists memory that its owner is about to walk. Loops that calculate for long on
// what the cache holds ask for it line by line meanwhile, at a pace that the memory
// keeps up with, so that it is there when its turn comes. It is advice: results do not
// depend on it. A nil list is empty.
type Ahead[T Float] struct {
	parts [16][]T
	at, n int
}

// Reset empties the list.
func (a *Ahead[T]) Reset() { a.at, a.n = 0, 0 }

// Want adds a slice. What the list has no room for is left out.
func (a *Ahead[T]) Want(x []T) {
	if a.n < len(a.parts) {
		a.parts[a.n] = x
		a.n++
	}
}

// cacheLine is the size of a line in elements of float32.
const cacheLine = 16

// pace is where a loop finds the lines to ask for and by how many bytes it moves on
// every time, at most a line. The address may end behind the memory, which others
// hold.
type pace struct {
	at   uintptr
	step int
}

// nowhere is a line that is always there.
var nowhere [cacheLine]float32

// take gives a loop that asks n times what is left of a part of the list, or as much
// of it as n lines are.
func (a *Ahead[T]) take(n int) pace {
	if a == nil || n == 0 {
		return pace{at: address(nowhere[:])}
	}
	for a.at < a.n && len(a.parts[a.at]) < cacheLine {
		a.at++
	}
	if a.at == a.n {
		return pace{at: address(nowhere[:])}
	}
	part := &a.parts[a.at]
	p := pace{at: address(*part), step: 4 * cacheLine}
	if lines := len(*part) / cacheLine; lines <= n {
		p.step = min(p.step, (4*len(*part)-1)/n)
		a.at++
		return p
	}
	*part = (*part)[n*cacheLine:]
	return p
}
