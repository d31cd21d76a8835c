// SPDX-License-Identifier: Apache-2.0

package kernel

// SumRows adds to sum[C] the rows of x[rows, C].
func SumRows[T Float](sum, x []T) {
	for ; len(x) > 0; x = x[len(sum):] {
		Add(sum, x[:len(sum)])
	}
}
