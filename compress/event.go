// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"time"

	"github.com/kdcompress/kdcompress/compress/distill"
)

// Event is a piece of progress, a line of events.jsonl.
type Event struct {
	// Kind is "stage" (a new stage begins), "label" or "step" (progress within
	// one), "epoch", "note" or "warning".
	Kind    string `json:"event"`
	Stage   string `json:"stage,omitempty"`
	Message string `json:"message,omitempty"`
	Done    int    `json:"done,omitempty"`
	Total   int    `json:"total,omitempty"`
	// Rate is in samples per second, Left in seconds to the end of the stage.
	Rate  float64        `json:"samples_per_second,omitempty"`
	Left  float64        `json:"seconds_left,omitempty"`
	Loss  float64        `json:"loss,omitempty"`
	Epoch *distill.Epoch `json:"epoch,omitempty"`
	Best  bool           `json:"best,omitempty"`
}

// Passing says that the event is soon followed by a better one of its kind;
// events.jsonl leaves it out.
func (e Event) Passing() bool { return (e.Kind == "label" || e.Kind == "step") && e.Done < e.Total }

// progress is an event with the rate and the time left.
func progress(kind string, done, total int, began time.Time) Event {
	e := Event{Kind: kind, Stage: kind, Done: done, Total: total}
	if s := time.Since(began).Seconds(); s > 0 && done > 0 {
		e.Rate = float64(done) / s
		e.Left = float64(total-done) / e.Rate
	}
	return e
}
