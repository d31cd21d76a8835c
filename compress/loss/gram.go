// SPDX-License-Identifier: Apache-2.0

package loss

import "github.com/kdcompress/kdcompress/onnx"

// The fragments here couple the samples of a batch: a tensor of [N, N] has a row
// for every sample, in which the other samples of the same batch stand side by
// side. The engine makes all shards wait where a row needs other samples.

// across turns [N, d] into [d, N], which every sample sees whole.
func (f *Fragment) across(x string) string {
	return f.Op("Transpose", []string{x}, onnx.Ints("perm", 1, 0))
}

// gram holds the products of all pairs of rows: [N, d] to [N, N].
func (f *Fragment) gram(x string) string {
	return f.Op("MatMul", []string{x, f.across(x)})
}

// unit divides rows by their Euclidean norm, of which at least least is taken.
func (f *Fragment) unit(x string, least float64) string {
	norm := f.Op("Sqrt", []string{f.atLeast(f.sum(f.square(x), 1, 1), least*least)})
	return f.Op("Div", []string{x, norm})
}

// atLeast bounds a tensor from below.
func (f *Fragment) atLeast(x string, least float64) string {
	return f.Op("Max", []string{x, f.Float32("least", nil, []float32{float32(least)})})
}

// centred subtracts the mean of the batch, which no distance depends on.
func (f *Fragment) centred(x string) string { return f.sub(x, f.mean(x, 0)) }

// same is 1 on the diagonal and 0 elsewhere, apart the opposite, [N, N].
func (f *Fragment) same() string  { return f.Target(Position) }
func (f *Fragment) apart() string { return f.Offset(f.Scale(f.same(), -1), 1) }

// overBatch is the sum of a row divided by the batch: [N, N] to [N], so that the
// mean over samples is the mean over all pairs.
func (f *Fragment) overBatch(x string) string {
	return f.Scale(f.SumClasses(x), 1/float64(f.Batch))
}
