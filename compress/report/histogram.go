// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// latencyBins is the number of bins over the whole axis.
const latencyBins = 72

// latencyChart draws how often each latency occurred, for both models on one
// logarithmic axis, with the medians as lines. Runs slower than the 99.5%
// quantile are left out so that a few stalls do not squeeze the rest. It is
// empty without samples.
func latencyChart(teacher, student LatencyStat) (template.HTML, error) {
	series := []struct {
		name   string
		stat   LatencyStat
		colour color.NRGBA
	}{
		{"teacher", teacher, teacherColour},
		{"student", student, studentColour},
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range series {
		if len(s.stat.Samples) == 0 || slices.Min(s.stat.Samples) <= 0 {
			return "", nil
		}
		lo = min(lo, math.Log10(slices.Min(s.stat.Samples)))
		hi = max(hi, math.Log10(Quantile(0.995, s.stat.Samples)))
	}
	lo, hi = wideLog(lo-0.03, hi+0.03)
	p := chart("latency of a run, ms (logarithmic)", "share of runs, %")
	p.X.Tick.Marker = logTicks{}
	p.Legend.Top = true
	p.Y.Tick.Marker = wholeTicks{}
	p.Legend.Left = student.P50 > teacher.P50
	for _, s := range series {
		if err := addHistogram(p, s.name, s.stat, s.colour, lo, hi); err != nil {
			return "", err
		}
	}
	p.X.Min, p.X.Max = lo, hi
	p.Y.Min = 0
	// The legend stands above the bars.
	p.Y.Max *= 1.3
	return svg(p, fmt.Sprintf("Latency of runs: median %s for the teacher, %s for the student",
		milliseconds(teacher.P50), milliseconds(student.P50)))
}

func addHistogram(p *plot.Plot, name string, s LatencyStat, c color.NRGBA, lo, hi float64) error {
	share := make([]float64, latencyBins)
	width := (hi - lo) / latencyBins
	for _, v := range s.Samples {
		if i := int(math.Floor((math.Log10(v) - lo) / width)); i >= 0 && i < latencyBins {
			share[i] += 100 / float64(len(s.Samples))
		}
	}
	outline := plotter.XYs{{X: lo, Y: 0}}
	for i, v := range share {
		left := lo + float64(i)*width
		outline = append(outline, plotter.XY{X: left, Y: v}, plotter.XY{X: left + width, Y: v})
	}
	outline = append(outline, plotter.XY{X: hi, Y: 0})
	area, err := plotter.NewPolygon(outline)
	if err != nil {
		return fmt.Errorf("report: draw chart: %w", err)
	}
	area.Color = color.NRGBA{R: c.R, G: c.G, B: c.B, A: 0x48}
	area.LineStyle.Color = c
	area.LineStyle.Width = vg.Points(1.1)
	middle := math.Log10(s.P50)
	median, err := plotter.NewLine(plotter.XYs{{X: middle, Y: 0}, {X: middle, Y: slices.Max(share)}})
	if err != nil {
		return fmt.Errorf("report: draw chart: %w", err)
	}
	median.Color = c
	median.Width = vg.Points(1.6)
	median.Dashes = []vg.Length{vg.Points(4), vg.Points(2.5)}
	p.Add(area, median)
	p.Legend.Add(fmt.Sprintf("%s, median %s", name, milliseconds(s.P50)), area)
	return nil
}
