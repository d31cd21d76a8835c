// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// agreementCurve draws the held-out agreement epoch by epoch and marks the
// epoch that was kept. It is empty without a curve.
func (t *Training) agreementCurve() (template.HTML, error) {
	var points plotter.XYs
	var best plotter.XYs
	for _, c := range t.Curve {
		xy := plotter.XY{X: float64(c.Epoch), Y: 100 * c.Agreement}
		points = append(points, xy)
		if c.Epoch == t.BestEpoch {
			best = append(best, xy)
		}
	}
	if len(points) == 0 {
		return "", nil
	}
	p := chart("epoch", "agreement with the teacher, %")
	p.X.Tick.Marker = wholeTicks{}
	if err := addLine(p, points, studentColour, nil); err != nil {
		return "", err
	}
	words := "Agreement by epoch"
	if len(best) == 1 {
		dot, err := plotter.NewScatter(best)
		if err != nil {
			return "", fmt.Errorf("report: draw chart: %w", err)
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: studentColour, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(dot)
		p.Legend.Add(fmt.Sprintf("best: %.2f%% after epoch %d", best[0].Y, t.BestEpoch), dot)
		p.Legend.Top = false
		words += fmt.Sprintf(", best %.2f%% after epoch %d", best[0].Y, t.BestEpoch)
	}
	roomy(&p.Y, 1, 100)
	return svg(p, words)
}

// lossCurve draws the training loss and the held-out KL on a logarithmic axis.
// It is empty if no value is positive.
func (t *Training) lossCurve() (template.HTML, error) {
	var loss, kl plotter.XYs
	for _, c := range t.Curve {
		if c.Loss > 0 {
			loss = append(loss, plotter.XY{X: float64(c.Epoch), Y: math.Log10(c.Loss)})
		}
		if c.KL > 0 {
			kl = append(kl, plotter.XY{X: float64(c.Epoch), Y: math.Log10(c.KL)})
		}
	}
	if len(loss)+len(kl) == 0 {
		return "", nil
	}
	p := chart("epoch", "loss (logarithmic)")
	p.X.Tick.Marker = wholeTicks{}
	p.Y.Tick.Marker = logTicks{}
	p.Legend.Top = true
	for _, s := range []struct {
		name   string
		points plotter.XYs
		colour color.Color
		dashes []vg.Length
	}{
		{"training loss", loss, inkColour, nil},
		{"KL on held-out inputs, nats", kl, studentColour, []vg.Length{vg.Points(5), vg.Points(3)}},
	} {
		if len(s.points) == 0 {
			continue
		}
		if err := addNamed(p, s.name, s.points, s.colour, s.dashes); err != nil {
			return "", err
		}
	}
	p.Y.Min, p.Y.Max = wideLog(p.Y.Min, p.Y.Max)
	return svg(p, "Training loss and held-out KL by epoch")
}

func addLine(p *plot.Plot, xy plotter.XYs, c color.Color, dashes []vg.Length) error {
	return addNamed(p, "", xy, c, dashes)
}

// addNamed draws a line, or a dot where there is one point only, and names it in
// the legend if it has a name.
func addNamed(p *plot.Plot, name string, xy plotter.XYs, c color.Color, dashes []vg.Length) error {
	line, dots, err := plotter.NewLinePoints(xy)
	if err != nil {
		return fmt.Errorf("report: draw chart: %w", err)
	}
	line.Color = c
	line.Width = vg.Points(1.8)
	line.Dashes = dashes
	dots.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(1.6), Shape: draw.CircleGlyph{}}
	p.Add(line)
	if len(xy) <= 40 {
		p.Add(dots)
	}
	if name != "" {
		p.Legend.Add(name, line)
	}
	return nil
}

// roomy widens an axis to at least the given range, up to most.
func roomy(a *plot.Axis, least, most float64) {
	if d := least - (a.Max - a.Min); d > 0 {
		a.Min -= d
	}
	a.Max = min(most, a.Max+(a.Max-a.Min)*0.05)
}

// wholeTicks marks about eight whole numbers.
type wholeTicks struct{}

var _ plot.Ticker = wholeTicks{}

// Ticks implements plot.Ticker.
func (wholeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := 1.0
	for _, m := range []float64{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000} {
		if (hi-lo)/step <= 10 {
			break
		}
		step = m
	}
	var t []plot.Tick
	for v := math.Ceil(lo/step) * step; v <= hi; v += step {
		t = append(t, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f", v)})
	}
	return t
}
