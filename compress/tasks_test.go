// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/kdcompress/kdcompress/compress/report"
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student"
)

// ends are the toy teacher's logits and ways to go on from them, each with what a
// run has to make of it.
var ends = []struct {
	name    string
	task    string // the flag
	loss    string // the flag, "" for auto
	finish  func(b *onnx.Builder, z string) []*onnx.Value
	losses  string // in the student's metadata
	measure []string
	least   float64 // of every measure
	closing string  // operators behind the student's first trained tensor
}{
	{"one number", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("ReduceMean", []string{b.Op("Mul", []string{z, b.Float32("unit", nil, []float32{1000})})}, onnx.Ints("axes", 1), onnx.Int("keepdims", 1))
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(1))}
	}, "mse", []string{report.MeasureR2}, 0.9, "Mul Add"},
	{"numbers of other units", "regress", "huber", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("Add", []string{b.Op("Mul", []string{z, b.Float32("unit", []int64{3}, []float32{1e-3, 1, 1e3})}), b.Float32("offset", []int64{3}, []float32{5, 0, -1e4})})
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "huber", []string{report.MeasureR2}, 0.9, "Mul Add"},
	{"labels", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		return []*onnx.Value{onnx.NewValue(b.Op("Sigmoid", []string{z}), onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "bce", []string{report.MeasureLabels}, 0.9, "Sigmoid"},
	{"decisions on labels", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("Greater", []string{b.Op("Sigmoid", []string{z}), b.Float32("half", nil, []float32{0.5})})
		return []*onnx.Value{onnx.NewValue(y, onnx.Bool, anyBatch, onnx.Fixed(classes))}
	}, "bce", []string{report.MeasureLabels}, 0.9, "Sigmoid Greater"},
	{"an embedding of length one", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("LpNormalization", []string{z}, onnx.Int("axis", 1), onnx.Int("p", 2))
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "cosine+mse", []string{report.MeasureCosine}, 0.95, "Mul Add LpNormalization"},
	{"an embedding by its name", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		return []*onnx.Value{onnx.NewValue(b.OpNamed("sentence_embedding", "Identity", []string{z}), onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "cosine+mse", []string{report.MeasureCosine}, 0.95, "Mul Add"},
	{"classes at four positions, before them", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("Concat", []string{z, b.Op("Neg", []string{z}), b.Op("Tanh", []string{z}), z}, onnx.Int("axis", 1))
		y = b.Op("Transpose", []string{b.Op("Reshape", []string{y, b.Int64("shape", []int64{3}, []int64{0, 4, 3})})}, onnx.Ints("perm", 0, 2, 1))
		y = b.Op("Softmax", []string{y}, onnx.Int("axis", 1))
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(classes), onnx.Fixed(4))}
	}, "kd", []string{report.MeasureAgreement}, 0.85, "Softmax"},
	{"classes in a row, nothing said", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("Reshape", []string{b.Op("Concat", []string{z, b.Op("Neg", []string{z})}, onnx.Int("axis", 1)), b.Int64("shape", []int64{3}, []int64{0, 2, 3})})
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(2), onnx.Fixed(classes))}
	}, "kd", []string{report.MeasureAgreement}, 0.85, ""},
	{"probabilities that only the numbers show", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		y := b.Op("Mul", []string{b.Op("Softmax", []string{z}, onnx.Int("axis", 1)), b.Float32("one", nil, []float32{1})})
		return []*onnx.Value{onnx.NewValue(y, onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "kd", []string{report.MeasureAgreement}, 0.85, "Softmax"},
	{"two heads", "", "", func(b *onnx.Builder, z string) []*onnx.Value {
		p := b.OpNamed("p", "Softmax", []string{z}, onnx.Int("axis", 1))
		value := b.OpNamed("value", "ReduceSum", []string{b.Op("Mul", []string{z, z}), b.Int64("axes", []int64{1}, []int64{1})}, onnx.Int("keepdims", 1))
		class := b.OpNamed("class", "ArgMax", []string{p}, onnx.Int("axis", 1), onnx.Int("keepdims", 0))
		return []*onnx.Value{onnx.NewValue(p, onnx.Float32, anyBatch, onnx.Fixed(classes)), onnx.NewValue(class, onnx.Int64, anyBatch), onnx.NewValue(value, onnx.Float32, anyBatch, onnx.Fixed(1))}
	}, "kd+mse", []string{report.MeasureAgreement, report.MeasureR2}, 0.8, "Softmax ArgMax"},
	{"classes taken for numbers", "regress", "", func(b *onnx.Builder, z string) []*onnx.Value {
		return []*onnx.Value{onnx.NewValue(b.Op("Softmax", []string{z}, onnx.Int("axis", 1)), onnx.Float32, anyBatch, onnx.Fixed(classes))}
	}, "mse", []string{report.MeasureR2}, 0.8, "Mul Add"},
}

// toyWith is the toy teacher with other outputs.
func toyWith(finish func(b *onnx.Builder, z string) []*onnx.Value) *onnx.Model {
	var outputs []*onnx.Value
	m := toyTeacher(anyBatch, func(b *onnx.Builder, z string) *onnx.Value {
		outputs = finish(b, z)
		return outputs[0]
	})
	m.Graph.Outputs = outputs
	return m
}

// TestTasks distils teachers of every task and measures the student by what suits
// it.
func TestTasks(t *testing.T) {
	for _, c := range ends {
		t.Run(c.name, func(t *testing.T) {
			cfg := tiny(t)
			cfg.Teacher, cfg.Task = save(t, toyWith(c.finish)), c.task
			cfg.Data.Path = npy(t, 2000, features)
			cfg.Student, cfg.Epochs, cfg.Rate = "mlp:width=48,depth=1", 40, 0.01
			if c.loss != "" {
				cfg.Loss = c.loss
			}
			r, _ := run(t, cfg)
			sets := append([]report.Fidelity{r.Report.Fidelity}, r.Report.FidelitySets...)
			if len(sets) != len(c.measure) {
				t.Fatalf("%d sets, want %d", len(sets), len(c.measure))
			}
			for i, f := range sets {
				measure := f.Measure
				if measure == "" {
					measure = report.MeasureAgreement
				}
				if measure != c.measure[i] || f.Agreement < c.least || f.AgreementCI95[0] > f.Agreement || f.AgreementCI95[1] < f.Agreement || f.NonFinite != 0 {
					t.Errorf("%s %.4f %v, want %s of at least %g", measure, f.Agreement, f.AgreementCI95, c.measure[i], c.least)
				}
			}
			if !r.Report.Contract.OK {
				t.Errorf("%s", r.Report.Verdict)
			}
			m, err := onnx.Load(r.Student)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := m.Property("kdcompress.loss"); got != c.losses {
				t.Errorf("losses %q, want %q", got, c.losses)
			}
			if len(c.measure) < 2 {
				return
			}
			again, err := ReadJob(cfg.Out + "/job.yaml")
			if err != nil {
				t.Fatal(err)
			}
			again.Out = t.TempDir()
			if second, _ := run(t, again); !bytes.Equal(read(t, r.Student), read(t, second.Student)) {
				t.Error("the job file gives another student")
			}
		})
	}
}

// TestStudentsKeepTheEnd looks at what stands behind the tensor that is trained.
func TestStudentsKeepTheEnd(t *testing.T) {
	for _, c := range ends {
		t.Run(c.name, func(t *testing.T) {
			cfg := tiny(t)
			teacher, err := LoadTeacher(save(t, toyWith(c.finish)), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := teacher.Assign(c.task); err != nil {
				t.Fatal(err)
			}
			set, err := teacher.open(context.Background(), cfg.Data, func(Event) {})
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			s, err := student.Build(teacher.signature(set), student.Spec{Arch: "mlp"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			follows := map[string]bool{s.Answers()[0]: true}
			var ops []string
			for _, n := range s.Model.Graph.Nodes {
				for _, in := range n.Inputs {
					if follows[in] {
						follows[n.Outputs[0]] = true
						ops = append(ops, n.OpType)
						break
					}
				}
			}
			if got := strings.Join(ops, " "); got != c.closing {
				t.Errorf("behind %s: %s, want %s", s.Answers()[0], got, c.closing)
			}
		})
	}
}

func TestTasksRefused(t *testing.T) {
	for _, c := range []struct{ name, task, loss, want string }{
		{"no such task", "sort", "", `no task "sort"; there are classify, multilabel, regress and embed`},
		{"a pair without a task", "p=", "", `no task ""`},
		{"no such output", "q=regress", "", `no answer is learned for output "q"`},
		{"a loss for classes", "p=regress", "kd", "loss kd does not compare numbers: take cosine, huber, mse, mse-logits, or leave --loss out"},
		{"a loss for labels", "", "bce", "loss bce does not compare scores of classes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tiny(t)
			cfg.Task = c.task
			if c.loss != "" {
				cfg.Loss = c.loss
			}
			_, err := Run(context.Background(), cfg, nil)
			oneLine(t, err, c.want)
			nothingDeployed(t, cfg.Out)
		})
	}
}
