// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// complete is a configuration that Check has nothing to say against.
func complete() Config {
	c := Default()
	c.Teacher, c.Data.Path, c.Out = "t.onnx", "x.npy", "out"
	return c
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config)
		want   string // "" where nothing is wrong
	}{
		{"defaults", func(*Config) {}, ""},
		{"an architecture with options", func(c *Config) { c.Student = "convnet:width=8,head=mean" }, ""},
		{"a model file", func(c *Config) { c.Student = "my/own.ONNX" }, ""},
		{"labels in training", func(c *Config) { c.LabelWeight, c.Data.Labels = 0.5, "y.npy" }, ""},
		{"cross-entropy alone", func(c *Config) { c.Loss, c.Data.Labels = "ce", "y.npy" }, ""},
		{"no warm-up, clip or decay", func(c *Config) { c.Warmup, c.Clip, c.Decay = 0, 0, 0 }, ""},
		{"no teacher", func(c *Config) { c.Teacher = "" }, "no teacher: give --teacher"},
		{"no data", func(c *Config) { c.Data.Path = "" }, "no data: give --data"},
		{"no folder", func(c *Config) { c.Out = "" }, "no output folder: give --out"},
		{"epochs", func(c *Config) { c.Epochs = -1 }, "-1 epochs"},
		{"batch", func(c *Config) { c.Batch = 0 }, "a batch of 0"},
		{"rate", func(c *Config) { c.Rate = 0 }, "learning rate of 0"},
		{"rate not a number", func(c *Config) { c.Rate = math.NaN() }, "learning rate of NaN"},
		{"rate without end", func(c *Config) { c.Rate = math.Inf(1) }, "learning rate of +Inf"},
		{"temperature", func(c *Config) { c.Temperature = -1 }, "temperature of -1"},
		{"temperature without end", func(c *Config) { c.Temperature = math.Inf(1) }, "temperature of +Inf"},
		{"temperature beyond the loss", func(c *Config) { c.Temperature = 2000 }, "loss kd: temperature must lie from 0.01 to 1000, not 2000"},
		{"warm-up", func(c *Config) { c.Warmup = 1 }, "warm-up of 1"},
		{"clip", func(c *Config) { c.Clip = -1 }, "cannot be negative"},
		{"decay", func(c *Config) { c.Decay = math.NaN() }, "cannot be negative"},
		{"label weight", func(c *Config) { c.LabelWeight = -1 }, "cannot be negative"},
		{"label weight without labels", func(c *Config) { c.LabelWeight = 0.5 }, "a label weight needs labels"},
		{"label weight without end", func(c *Config) { c.LabelWeight, c.Data.Labels = math.Inf(1), "y.npy" }, "loss ce: weight +Inf"},
		{"held-out share", func(c *Config) { c.Held = 1 }, "held-out share of 1"},
		{"shards", func(c *Config) { c.Shards = 0 }, "shards and threads must be at least 1"},
		{"threads", func(c *Config) { c.Threads = 0 }, "shards and threads must be at least 1"},
		{"precision", func(c *Config) { c.Precision = "int3" }, `precision "int3" is unknown`},
		{"smallest agreement", func(c *Config) { c.MinAgreement = 99 }, "a smallest agreement of 99 is not a share"},
		{"latency", func(c *Config) { c.MaxLatency = -1 }, "budgets cannot be negative"},
		{"size", func(c *Config) { c.MaxSize = -1 }, "budgets cannot be negative"},
		{"loss", func(c *Config) { c.Loss = "l2" }, `no loss "l2"; there are`},
		{"student", func(c *Config) { c.Student = "nobody" }, `no student architecture "nobody"`},
		{"student's option", func(c *Config) { c.Student = "mlp:size=1" }, `student mlp has no option "size=1"`},
		{"no student", func(c *Config) { c.Student = "" }, `no student architecture ""`},
		{"data format", func(c *Config) { c.Data.Format = "gif" }, `data format "gif" is unknown`},
		{"deviation", func(c *Config) { c.Data.Std = []float64{0} }, "std holds a value that is zero"},
		{"evaluation", func(c *Config) { c.Eval.Limit = -1 }, "limit -1 is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := complete()
			c.change(&cfg)
			err := cfg.Check()
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			oneLine(t, err, c.want)
			var u *UsageError
			if !errors.As(err, &u) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestReadJob(t *testing.T) {
	write := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "job.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("over the defaults", func(t *testing.T) {
		got, err := ReadJob(write(t, "teacher: t.onnx\nlr: 0.5\nmax_size: 1.5MiB\ndata:\n  path: x\n  mean: [0.1, 0.2]\n"))
		want := Default()
		want.Teacher, want.Rate, want.MaxSize = "t.onnx", 0.5, 3<<19
		want.Data = Data{Path: "x", Mean: []float64{0.1, 0.2}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("error %v, got\n%+v, want\n%+v", err, got, want)
		}
	})
	t.Run("empty", func(t *testing.T) {
		if got, err := ReadJob(write(t, "")); err != nil || !reflect.DeepEqual(got, Default()) {
			t.Errorf("error %v, got %+v", err, got)
		}
	})
	for _, c := range []struct{ name, text, want string }{
		{"an unknown field", "teacher: t.onnx\nlearning_rate: 1\n", "line 2: field learning_rate not found"},
		{"an unknown field of the data", "data:\n  file: x\n", "line 2: field file not found"},
		{"a field that is not for files", "resume: true\n", "field resume not found"},
		{"a word for a number", "epochs: many\n", "cannot unmarshal !!str `many` into int"},
		{"a size without a unit's sense", "max_size: 3 apples\n", `"3 apples" is not a size`},
		{"not YAML", "teacher: [\n", "did not find expected node content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := ReadJob(path)
			oneLine(t, err, c.want)
			if err != nil && !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("error %v does not begin with the path", err)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		if _, err := ReadJob(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
}

func TestJobRoundTrip(t *testing.T) {
	full := complete()
	full.Output, full.Student, full.Loss, full.Temperature, full.LabelWeight = "p", "mlp:width=3", "kd", 1.5, 0.25
	full.Epochs, full.Batch, full.Rate, full.Warmup, full.Clip, full.Decay, full.Held = 7, 9, 1e-3, 0, 0, 0, 0.1
	full.Seed, full.Shards, full.Threads, full.MaxSize, full.MaxLatency, full.MinAgreement, full.Targets = math.MaxUint64, 3, 5, 123456789, 0.25, 0.99, "answers"
	full.Data = Data{Path: "a: b #c", Format: "csv", Labels: "column:-1", Scale: 1.0 / 255, Mean: []float64{0.1307, 1e-9}, Std: []float64{0.3081, 3},
		Height: 3, Width: 4, Layout: "nhwc", Channels: "bgr", Columns: []string{"x", "1", "no"}, Skip: []string{"~"}, Limit: 10, MaxBad: -1}
	full.Eval = Data{Path: "e", Labels: "0123"}
	for name, c := range map[string]Config{"defaults": complete(), "everything set": full} {
		t.Run(name, func(t *testing.T) {
			b, err := yaml.Marshal(&c)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "job.yaml")
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := ReadJob(path)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("error %v, got\n%+v, want\n%+v, file\n%s", err, got, c, b)
			}
		})
	}
}

func TestParseBytes(t *testing.T) {
	for _, c := range []struct {
		text string
		want Bytes // -1 for an error
	}{
		{"0", 0}, {"1", 1}, {"123456", 123456}, {"500kB", 500_000}, {"500KB", 500_000}, {"500kb", 500_000}, {"500k", 500_000}, {"2MB", 2_000_000},
		{"2mb", 2_000_000}, {"2M", 2_000_000}, {"1.5MiB", 3 << 19}, {"1 GiB", 1 << 30}, {"1gib", 1 << 30}, {"3GB", 3_000_000_000}, {"10 B", 10}, {"1KiB", 1024},
		{"1e3", 1000}, {"", -1}, {"kB", -1}, {"-1", -1}, {"1TB", -1}, {"1 apple", -1}, {"1iB", -1}, {"NaN", -1}, {"Inf", -1}, {"1e30", -1}, {"9e9GB", -1}, {"1,5MB", -1},
		{"1kBB", -1}, {"1 k B", -1},
	} {
		got, err := ParseBytes(c.text)
		switch {
		case c.want < 0:
			if err == nil || !strings.Contains(err.Error(), "is not a size such as 500kB or 2MB") {
				t.Errorf("%q is read as %d, error %v", c.text, got, err)
			}
			continue
		case err != nil || got != c.want:
			t.Errorf("%q is read as %d, want %d, error %v", c.text, got, c.want, err)
		}
		if again := got.String(); got > 0 {
			if b, err := ParseBytes(again); err != nil || b != got {
				t.Errorf("%d is written as %q and read as %d, error %v", got, again, b, err)
			}
		}
	}
}

func TestEnoughEpochs(t *testing.T) {
	for _, c := range []struct{ samples, batch, want int }{
		{60000, 128, 20}, {128 * 150, 128, 40}, {1000, 128, 300}, {10, 128, 300}, {128 * 300, 128, 20}, {128 * 299, 128, 21},
	} {
		if got := enoughEpochs(c.samples, c.batch); got != c.want {
			t.Errorf("%d samples in batches of %d: %d epochs, want %d", c.samples, c.batch, got, c.want)
		}
	}
}
