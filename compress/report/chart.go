// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of the charts: Okabe and Ito's blue and vermilion, told apart
// with any colour vision, on a light card in light and dark mode alike.
var (
	inkColour     = color.NRGBA{R: 0x3a, G: 0x3d, B: 0x45, A: 0xff}
	gridColour    = color.NRGBA{R: 0xe3, G: 0xe5, B: 0xe9, A: 0xff}
	teacherColour = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	studentColour = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
)

const (
	chartWidth  = 440 * vg.Inch / 72
	chartHeight = 250 * vg.Inch / 72
)

func chart(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Color = inkColour
		axis.Tick.LineStyle.Color = inkColour
		axis.Tick.Label.Color = inkColour
		axis.Tick.Label.Font = sans(11)
		axis.Tick.Length = vg.Points(4)
		axis.Label.TextStyle.Color = inkColour
		axis.Label.TextStyle.Font = sans(12)
		axis.Label.Padding = vg.Points(3)
		axis.Padding = vg.Points(4)
	}
	p.X.Label.Text = x
	p.Y.Label.Text = y
	p.Legend.TextStyle.Font = sans(11.5)
	p.Legend.TextStyle.Color = inkColour
	p.Legend.ThumbnailWidth = vg.Points(16)
	p.Legend.Padding = vg.Points(3)
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = gridColour
	p.Add(grid)
	return p
}

func sans(size float64) font.Font {
	f := font.From(plot.DefaultFont, font.Length(size))
	f.Variant = "Sans"
	return f
}

// svg draws a chart as an inline SVG element with a text for those who do not
// see it. It stands without its XML prologue and namespaces, which HTML implies.
func svg(p *plot.Plot, words string) (template.HTML, error) {
	c := vgsvg.New(chartWidth, chartHeight)
	p.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("report: draw chart: %w", err)
	}
	_, drawing, ok := strings.Cut(b.String(), "<svg")
	if ok {
		_, drawing, ok = strings.Cut(drawing, ">")
	}
	if !ok {
		return "", errors.New("report: draw chart: no svg element in the drawing")
	}
	head := fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`,
		chartWidth.Points(), chartHeight.Points(), template.HTMLEscapeString(words))
	body := strings.ReplaceAll(drawing, "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	return template.HTML(head + body), nil
}

// logTicks marks 1, 2 and 5 of every decade of an axis that carries log10.
type logTicks struct{}

var _ plot.Ticker = logTicks{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	if hi-lo > 3 {
		steps = []float64{1}
	}
	var t []plot.Tick
	for decade := math.Floor(lo); decade <= math.Ceil(hi); decade++ {
		for _, m := range steps {
			v := m * math.Pow(10, decade)
			if at := math.Log10(v); at >= lo-1e-9 && at <= hi+1e-9 {
				t = append(t, plot.Tick{Value: at, Label: strconv.FormatFloat(v, 'g', 3, 64)})
			}
		}
	}
	return t
}

// wideLog widens a range of log10 so that it spans at least two labelled ticks.
func wideLog(lo, hi float64) (float64, float64) {
	const least = 0.75
	if d := least - (hi - lo); d > 0 {
		lo -= d / 2
		hi += d / 2
	}
	return lo, hi
}
