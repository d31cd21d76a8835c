// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"fmt"
	"strings"

	"github.com/kdcompress/kdcompress/compress/data"
	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/target"
)

// recipes are presets for what a configuration leaves open, from the quickest on.
var recipes = []struct {
	name, words string
	longer      int  // times the epochs
	augment     bool // samples are moved about
	mixup       bool
	average     float64 // share of the past in the average of the weights
}{
	{"quick", "the samples as they are, answered once", 1, false, false, 0},
	{"standard", "moved about (and mirrored, if in colour), twice the epochs", 2, true, false, 0},
	{"patient", "moved about and mixed, lambda from [0, 1], ten times the epochs (function matching), weights averaged", 10, true, true, 0.999},
}

// Recipes describes the presets, a line each.
func Recipes() []string {
	var lines []string
	for _, r := range recipes {
		lines = append(lines, fmt.Sprintf("%-10s %s", r.name, r.words))
	}
	return lines
}

// applyRecipe fills in the epochs and the augmentation where they are left open.
func (j *job) applyRecipe() error {
	for _, r := range recipes {
		if r.name != j.Recipe && (j.Recipe != "" || r.name != "quick") {
			continue
		}
		if j.Epochs == 0 {
			j.Epochs = r.longer * enoughEpochs(len(j.train), j.Batch)
		}
		if j.Augment == "" && r.augment {
			j.Augment = suited(j.set.Dims(0), r.mixup)
		}
		if j.Average == 0 {
			j.Average = r.average
		}
		return nil
	}
	return usage("no recipe %q; there are %s", j.Recipe, strings.Join(recipeNames(), ", "))
}

func recipeNames() []string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.name)
	}
	return names
}

// suited is an augmentation for samples of a shape: pictures are moved by an eighth
// of their side, series by a tenth of their length.
func suited(dims []int, mixup bool) string {
	var parts []string
	switch {
	case len(dims) == 3 || len(dims) == 2 && dims[0] > 4 && dims[1] > 4:
		h, w, colour := dims[len(dims)-2], dims[len(dims)-1], len(dims) == 3 && dims[0] == 3
		if len(dims) == 3 && dims[2] <= 4 && dims[0] > 4 {
			h, w, colour = dims[0], dims[1], dims[2] == 3
		}
		if side := min(h, w) / 8; side > 0 {
			parts = append(parts, fmt.Sprintf("crop:%d", side))
		}
		if colour {
			parts = append(parts, "flip")
		}
	case len(dims) == 2:
		if steps := dims[1] / 10; steps > 0 {
			parts = append(parts, fmt.Sprintf("shift:%d", steps))
		}
	}
	if mixup {
		parts = append(parts, "mixup")
	}
	return strings.Join(parts, ",")
}

// largestStore is what the answers to views, or taps, may take on the disk.
const largestStore = 2 << 30

// views adds to a training what it needs where samples are augmented or tensors
// inside the teacher compared: the views and the store of the answers to them.
func (j *job) views(c *distill.Config) error {
	augment, err := data.ParseAugment(j.Augment)
	if err != nil {
		return err
	}
	c.Views = j.Views
	if augment != (data.Augment{}) {
		if c.Augment, err = j.set.Views(augment, j.train, j.Seed); err != nil {
			return err
		}
	}
	number := j.Views
	if c.Augment == nil {
		number = 1
		if len(j.taps) == 0 {
			return nil
		}
	}
	if number == 0 {
		j.emit(Event{Kind: "note", Stage: "label", Message: fmt.Sprintf("the teacher answers every step's samples anew (augmented by %s); --views N keeps the answers to N views of each", c.Augment)})
		return nil
	}
	id := j.identity(j.set)
	numbers := 0
	for _, tap := range j.taps {
		id.Taps += fmt.Sprintf("%s%v;", tap.Tensor, tap.Shape)
		numbers += loss.Size(tap.Shape)
	}
	if numbers > 0 && id.Encoding == "" {
		id.Encoding = "float16"
	}
	store, _, err := target.LoadTapped(j.targets(), id, j.answers.Dims, numbers) // others may share the folder
	if err != nil {
		return err
	}
	total := int64(store.Bytes()) * int64(number) * int64(len(j.train))
	if total > largestStore && j.Views == 0 {
		j.emit(Event{Kind: "note", Stage: "label", Message: fmt.Sprintf("the teacher answers every step's samples anew: keeping %d bytes a sample would take %.1f GB", store.Bytes(), float64(total)/1e9)})
		return store.Close()
	}
	j.emit(Event{Kind: "note", Stage: "label", Message: fmt.Sprintf("answers to %d view(s) of each sample are kept, %d bytes each (%d known)", number, store.Bytes(), store.Len())})
	store.Spill(j.targets())
	c.Store = store
	return nil
}
