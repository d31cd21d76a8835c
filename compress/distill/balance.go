// SPDX-License-Identifier: Apache-2.0

package distill

import "github.com/kdcompress/kdcompress/student/engine"

// balance gives terms the size of those of the heads: each is multiplied by the
// ratio of the two running means, as Minitron does (Muralidharan et al. 2024,
// arXiv:2407.14679). The ratio is a number to the gradient, which does not pass
// through it.
type balance struct {
	// tensors are those of the heads' terms, then those of every balanced term
	// before the ratio.
	tensors [][]string
	inputs  []string  // where the ratios go
	means   []float64 // as tensors; nil before the first step
}

// memory is the weight of the past in a running mean.
const memory = 0.98

// set writes the ratios into the plan's inputs.
func (b *balance) set(p *engine.Plan[float32]) {
	for k, name := range b.inputs {
		ratio := 1.0
		if b.means != nil && b.means[k+1] > 0 {
			ratio = b.means[0] / b.means[k+1]
		}
		in := p.Input(name)
		for j := range in {
			in[j] = float32(ratio)
		}
	}
}

// note takes the sizes of a step into the means. It reports false where there were
// none before.
func (b *balance) note(p *engine.Plan[float32]) bool {
	first := b.means == nil
	if first {
		b.means = make([]float64, len(b.tensors))
	}
	for i, names := range b.tensors {
		var size float64
		for _, name := range names {
			out := p.Output(name)
			var sum float64
			for _, v := range out {
				sum += float64(v)
			}
			size += sum / float64(len(out))
		}
		if first {
			b.means[i] = size
		} else {
			b.means[i] = memory*b.means[i] + (1-memory)*size
		}
	}
	return !first
}
