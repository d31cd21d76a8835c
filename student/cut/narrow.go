// SPDX-License-Identifier: Apache-2.0

package cut

import (
	"context"
	"fmt"
	"math"
	"slices"
)

var _ = register(Kind{
	Name:    "narrow",
	Summary: "the teacher with the least important channels, units and heads removed",
	Options: []Option{
		{Name: "ratio", Default: "0.5", Doc: "share of each layer's width that stays, rounded to multiples of 8", Min: 0.01, Max: 1},
		{Name: "by", Default: "taylor", Doc: "importance: first-order change of the logits, or size of the weights", Choices: []string{"taylor", "magnitude"}},
		{Name: "refit", Default: "yes", Doc: "fit the layers behind to the teacher's activations", Choices: []string{"yes", "no"}},
	},
	run: narrow,
})

func narrow(ctx context.Context, w *work, s Step) error {
	plan, err := w.probe(w.model)
	if err != nil {
		return err
	}
	before := w.model.Clone()
	c := newClasses(w.model, plan, w.scores())
	cohorts := c.cohorts()
	var scores map[int]float64
	by := s.text("by")
	if by == "taylor" {
		if scores, err = w.taylor(ctx, c); err != nil {
			if ctx.Err() != nil {
				return err
			}
			w.note("narrow: importance by the size of the weights, since the graph cannot be differentiated: %v", err)
			by = "magnitude"
		}
	}
	if by == "magnitude" {
		if scores, err = w.magnitude(c); err != nil {
			return err
		}
	}
	gone := map[int]bool{}
	for _, h := range cohorts {
		keep := kept(len(h.roots), h.unit, s.number("ratio"))
		order := slices.Clone(h.roots)
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case scores[a] > scores[b]:
				return -1
			case scores[a] < scores[b]:
				return 1
			}
			return 0
		})
		for _, r := range order[keep:] {
			gone[r] = true
		}
		if keep < len(h.roots) {
			w.note("narrow: %d of %d kept at %q", keep, len(h.roots), h.where)
		}
	}
	if len(gone) == 0 {
		return fmt.Errorf("%w: no layer has a width that is free and more than %g of it would keep", ErrNothing, s.number("ratio"))
	}
	x, err := c.remove(gone)
	if err != nil {
		return err
	}
	if s.text("refit") == "yes" {
		return w.refit(ctx, before, map[string]bool{}, x.keep)
	}
	return nil
}

// kept is how many of n stay at a ratio: a multiple of unit, at least one unit.
func kept(n, unit int, ratio float64) int {
	k := int(math.Round(ratio*float64(n)/float64(unit))) * unit
	return min(max(k, unit, 1), n)
}
