// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/kdcompress/kdcompress/compress"
)

// progress tells people, or machines, how far the work is. On a terminal a bar
// is redrawn; elsewhere whole lines are written, at most one every few seconds
// within a stage; with JSON every event is a line on standard output.
type progress struct {
	err  io.Writer
	json *json.Encoder
	tty  bool
	bar  *progressbar.ProgressBar
	kind string
	last time.Time
}

// quiet is the time between two lines of one stage where there is no terminal.
const quiet = 5 * time.Second

func newProgress(stderr, stdout io.Writer, asJSON bool) *progress {
	p := &progress{err: stderr}
	if asJSON {
		p.json = json.NewEncoder(stdout)
	}
	if f, ok := stderr.(*os.File); ok && os.Getenv("TERM") != "dumb" {
		p.tty = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) event(e compress.Event) {
	if p.json != nil {
		_ = p.json.Encode(e)
		return
	}
	switch e.Kind {
	case "label", "step":
		p.moved(e)
	case "epoch":
		p.close()
		mark := ""
		if e.Best {
			mark = "  best"
		}
		fmt.Fprintf(p.err, "epoch %d/%d  loss %.4f  agreement %.2f%%  kl %.4f  %.1fs%s\n", e.Done, e.Total,
			e.Epoch.Loss, 100*e.Epoch.Agreement, e.Epoch.KL, e.Epoch.Seconds, mark)
	case "warning":
		p.close()
		fmt.Fprintln(p.err, "warning: "+oneLine(e.Message))
	default:
		p.close()
		if e.Message != "" {
			fmt.Fprintln(p.err, oneLine(e.Message))
		}
	}
}

// moved shows progress within a stage.
func (p *progress) moved(e compress.Event) {
	what := map[string]string{"label": "teacher answers", "step": "training"}[e.Kind]
	if p.tty {
		if p.bar == nil || p.kind != e.Kind {
			p.close()
			p.kind = e.Kind
			p.bar = progressbar.NewOptions(e.Total, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(what),
				progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetItsString("samples"))
		}
		_ = p.bar.Set(e.Done)
		return
	}
	if now := time.Now(); e.Done == e.Total && e.Kind == "label" || now.Sub(p.last) >= quiet {
		p.last = now
		line := fmt.Sprintf("%s: %d of %d, %.0f samples/s, %s left", what, e.Done, e.Total, e.Rate, time.Duration(e.Left*float64(time.Second)).Round(time.Second))
		if e.Kind == "step" {
			line += fmt.Sprintf(", loss %.4f", e.Loss)
		}
		fmt.Fprintln(p.err, line)
	}
}

// close clears the bar, if there is one.
func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
