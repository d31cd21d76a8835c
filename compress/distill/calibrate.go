// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"context"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// fitScale finds the number that the student's logits are to be multiplied by so
// that its probabilities, at temperature 1, diverge least from the teacher's on
// the held-out samples, for one head. Losses that do not see the scale leave it arbitrary; the
// classes chosen do not depend on it.
func (e *evaluator) fitScale(ctx context.Context, head int) (float32, error) {
	var students, teachers [][]float32
	err := e.each(ctx, func(i int, student, teacher []float32) {
		if i != head {
			return
		}
		students = append(students, append([]float32(nil), student...))
		teachers = append(teachers, append([]float32(nil), teacher...))
	})
	if err != nil {
		return 0, err
	}
	scaled := make([]float32, e.heads[head].Layout.Classes)
	problem := optimize.Problem{Func: func(x []float64) float64 {
		by := math.Exp(x[0])
		var kl float64
		for i, s := range students {
			for c, v := range s {
				scaled[c] = float32(by * float64(v))
			}
			kl += divergence(teachers[i], scaled)
		}
		return kl / float64(len(students))
	}}
	r, err := optimize.Minimize(problem, []float64{0}, nil, &optimize.NelderMead{})
	if err != nil {
		return 0, err
	}
	return float32(math.Exp(r.X[0])), nil
}
