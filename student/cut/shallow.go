// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
	"github.com/kdcompress/kdcompress/student/engine"
)

var _ = register(Kind{
	Name:    "shallow",
	Summary: "the teacher with the least important residual blocks or transformer layers removed",
	Options: []Option{
		{Name: "keep", Default: "0", Doc: "layers that stay; 0 is half of those that could go", Min: 0, Max: 1000},
		{Name: "refit", Default: "yes", Doc: "fit the layers behind to the teacher's activations", Choices: []string{"yes", "no"}},
		{Name: "by", Default: "influence", Doc: "what goes: layers that change their input least, or every other", Choices: []string{"influence", "spread"}},
	},
	run: shallow,
})

// shallow drops whole layers. The influence of one is 1 - E cos(what goes in, what
// comes out) over samples and places (Men et al. 2024, arXiv:2403.03853; Minitron,
// arXiv:2407.14679).
func shallow(ctx context.Context, w *work, s Step) error {
	plan, err := w.probe(w.model)
	if err != nil {
		return err
	}
	found := findLayers(w.model.Graph, plan, w.scores())
	found = slices.DeleteFunc(found, func(l layers) bool {
		return slices.ContainsFunc(w.model.Graph.Outputs, func(v *onnx.Value) bool { return v.Name == l.to() })
	})
	keep := int(s.number("keep"))
	if keep == 0 {
		keep = (len(found) + 1) / 2
	}
	if len(found) <= keep {
		return fmt.Errorf("%w: the graph has %d layers that could go, and %d are to stay", ErrNothing, len(found), keep)
	}
	scores, err := w.influence(ctx, found)
	if err != nil {
		return err
	}
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	if s.text("by") == "influence" {
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case scores[a] < scores[b]:
				return -1
			case scores[a] > scores[b]:
				return 1
			}
			return 0
		})
		order = order[:len(found)-keep]
	} else {
		order = spread(len(found), len(found)-keep)
	}
	slices.Sort(order)
	before := w.model.Clone()
	for _, i := range slices.Backward(order) {
		found[i].drop(w.model.Graph)
	}
	for _, i := range order {
		w.note("shallow: layer %d of %d dropped, from %q to %q, influence %.4f", i+1, len(found), found[i].from(), found[i].to(), scores[i])
	}
	if s.text("refit") == "no" {
		return nil
	}
	// What reads the end of a dropped layer now reads something else.
	changed := map[string]bool{}
	w.model = rewrite.RemoveDead(w.model)
	for _, i := range order {
		changed[found[i].from()] = true
	}
	return w.refit(ctx, before, changed, nil)
}

// spread is k of n numbers, as evenly as can be.
func spread(n, k int) []int {
	var list []int
	for i := range k {
		list = append(list, (2*i+1)*n/(2*k))
	}
	return list
}

// influence measures, for each layer, how much it turns its input, the last axis of
// a token or all of a picture.
func (w *work) influence(ctx context.Context, found []layers) ([]float64, error) {
	var names []string
	for _, l := range found {
		for _, t := range []string{l.from(), l.to()} {
			if !slices.Contains(names, t) {
				names = append(names, t)
			}
		}
	}
	batch := min(16, w.samples.N)
	plan, err := w.compile(w.model, batch, engine.Options{Outputs: names})
	if err != nil {
		return nil, err
	}
	scores, batches := make([]float64, len(found)), (w.samples.N+batch-1)/batch
	for b := range batches {
		if err := w.run(ctx, plan, b, batch); err != nil {
			return nil, err
		}
		for i, l := range found {
			shape := plan.Shape(l.from())
			width := shape[len(shape)-1]
			if len(shape) > 3 {
				width = shape[1] * shape[2] * shape[3]
			}
			scores[i] += turn(plan.Output(l.from()), plan.Output(l.to()), width) / float64(batches)
		}
	}
	return scores, nil
}

// turn is the mean of 1 - cos over rows.
func turn(a, b []float32, width int) float64 {
	var sum float64
	rows := len(a) / width
	for r := range rows {
		var ab, aa, bb float64
		for i := r * width; i < (r+1)*width; i++ {
			x, y := float64(a[i]), float64(b[i])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if aa > 0 && bb > 0 {
			sum += 1 - ab/math.Sqrt(aa*bb)
		}
	}
	return sum / float64(rows)
}
