// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"testing"

	"github.com/kdcompress/kdcompress/compress/target"
)

// BenchmarkAnswers gets a teacher's answers to 2,048 images of MNIST: from the
// teacher, and from a store that holds them.
func BenchmarkAnswers(b *testing.B) {
	library(b)
	ctx := context.Background()
	t, err := LoadTeacher(shared(b, "teachers/mnist-burn.onnx"), "")
	if err != nil {
		b.Fatal(err)
	}
	set, err := t.open(ctx, Data{Path: mnist(b, "t10k-images-idx3-ubyte.gz"), Mean: []float64{0.1307}, Std: []float64{0.3081}, Limit: 2048}, func(Event) {})
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	dir, id, idx := b.TempDir(), t.identity(set), all(set.Len())
	ask := func() *target.Answers {
		a := target.New(id, t.Logits)
		if err := t.answer(ctx, set, a, idx, 2, func(Event) {}); err != nil {
			b.Fatal(err)
		}
		return a
	}
	if err := ask().Write(dir, target.PartName(0, 1)); err != nil {
		b.Fatal(err)
	}
	b.Run("teacher", func(b *testing.B) {
		for b.Loop() {
			ask()
		}
	})
	b.Run("replay", func(b *testing.B) {
		rows := make([]float32, len(idx)*10)
		for b.Loop() {
			a, _, err := target.Load(dir, id, t.Logits)
			if err == nil {
				err = a.Batch(set, idx, rows)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
