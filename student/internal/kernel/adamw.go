// SPDX-License-Identifier: Apache-2.0

package kernel

import "math"

// AdamW makes one step of Adam with decoupled weight decay (Loshchilov and
// Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2) on the
// weights w with gradient g; m and v are the running first and second moments.
//
//	m = beta1*m + (1-beta1)*g
//	v = beta2*v + (1-beta2)*g*g
//	w = w - lr*decay*w - lr*(m/bias1)/(sqrt(v/bias2)+eps)
//
// bias1 and bias2 are 1-beta1^t and 1-beta2^t for step t, counted from one. The
// decay is multiplied by lr.
func AdamW[T Float](w, g, m, v []T, lr, beta1, beta2, eps, decay, bias1, bias2 T) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	rest1, rest2 := 1-beta1, 1-beta2
	keep, step, root := 1-T(lr*decay), lr/bias1, 1/T(math.Sqrt(float64(bias2)))
	n := blocksOf(w)
	if n > 0 {
		vectors.adamW(n, first(w), first(g), first(m), first(v), float32(beta1), float32(rest1),
			float32(beta2), float32(rest2), float32(keep), float32(step), float32(root), float32(eps))
	}
	for i := n * vectorBlock; i < len(w); i++ {
		d := g[i]
		m[i] = T(beta1*m[i]) + T(rest1*d)
		v[i] = T(beta2*v[i]) + T(T(rest2*d)*d)
		size := T(T(math.Sqrt(float64(v[i])))*root) + eps
		w[i] = T(keep*w[i]) - step*m[i]/size
	}
}
