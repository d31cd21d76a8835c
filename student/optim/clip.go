// SPDX-License-Identifier: Apache-2.0

package optim

import "math"

// ClipNorm scales grad so that its Euclidean norm is at most limit, and returns
// the norm it had. A limit of 0 leaves it alone. A norm that is not finite is
// returned as it is and the gradient is left alone: the caller must not step.
func ClipNorm(grad []float32, limit float64) float64 {
	var sum float64
	for _, g := range grad {
		sum += float64(g) * float64(g)
	}
	norm := math.Sqrt(sum)
	if limit > 0 && norm > limit && !math.IsInf(norm, 0) {
		scale := float32(limit / norm)
		for i := range grad {
			grad[i] *= scale
		}
	}
	return norm
}
