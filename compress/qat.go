// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdcompress/kdcompress/compress/distill"
	"github.com/kdcompress/kdcompress/compress/loss"
	"github.com/kdcompress/kdcompress/compress/quant"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

const (
	// roundedRate is the learning rate with rounded numbers as a share of the
	// student's: the weights are nearly where they shall be.
	roundedRate = 0.05
	// untrained begins the names of constants that a training leaves alone.
	untrained = "kdcompress.rounding."
)

// trainRounded goes on training the exported student against the teacher's answers
// with weights and activations rounded as in int8 and learned step sizes, and
// returns the integer model of the best epoch.
func (j *job) trainRounded(ctx context.Context, p *quant.Plan, o *quant.Observation, opt quant.StaticOptions) (*onnx.Model, string, error) {
	if len(j.inside) > 0 {
		return nil, "", fmt.Errorf("losses inside the models do not reach a student with rounded numbers")
	}
	if !slices.Contains(tensorNames(p.Model.Graph), j.student.Logits) {
		return nil, "", fmt.Errorf("the exported student has no tensor %q to train", j.student.Logits)
	}
	fake, err := p.FakeQuantized(o, opt, untrained)
	if err != nil {
		return nil, "", err
	}
	if a := &j.teacher.Answers[0]; len(j.teacher.Answers) > 1 || a.kind() != loss.ClassScores || a.layout().Answers() > 1 {
		return nil, "", fmt.Errorf("--qat is for teachers that give one class a sample")
	}
	terms, err := j.terms(loss.ClassScores, true)
	if err != nil {
		return nil, "", err
	}
	teacher, err := j.openTeacher(ctx)
	if err != nil {
		return nil, "", err
	}
	if teacher != nil {
		defer teacher.session.Close()
	}
	on := *j // the same job with a rate and epochs of its own
	on.Rate *= roundedRate
	on.Decay = 0
	on.TrainPrecision = fp32 // rounding twice would blur the steps
	if on.Epochs = j.QATEpochs; on.Epochs == 0 {
		on.Epochs = max(j.Epochs/10, 2)
	}
	j.emit(Event{Kind: "stage", Stage: "train", Message: fmt.Sprintf("training on with rounded numbers, %d epochs", on.Epochs)})
	trained, err := on.trainStudent(ctx, distill.Config{Student: &student.Student{Model: fake.Model, Logits: j.student.Logits}, Terms: terms}, teacher)
	if err != nil {
		return nil, "", err
	}
	m, err := fake.Integers()
	if err != nil {
		return nil, "", err
	}
	return m.Model, fmt.Sprintf("epoch %d of %d with rounded numbers", trained.Best, on.Epochs), nil
}

// tensorNames are the names that nodes compute.
func tensorNames(g *onnx.Graph) []string {
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Outputs...)
	}
	return names
}
