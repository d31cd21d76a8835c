// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := linear()
	if err := Save(path, m); err != nil {
		t.Fatal(err)
	}
	read, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded(t, read), encoded(t, m)) {
		t.Error("the file differs from the model")
	}
	onlyFile(t, dir, "m.onnx")
}

func TestSaveLeavesNothing(t *testing.T) {
	broken := linear()
	broken.Graph.Nodes[0].Inputs[0] = "gone"
	text := linear()
	text.Graph.Name = "\xff"
	cases := []struct {
		name  string
		path  string
		model *Model
		want  string
	}{
		{"broken model", "m.onnx", broken, "defined nowhere"},
		{"name not UTF-8", "m.onnx", text, "UTF-8"},
		{"folder in the way", "folder", linear(), "cannot write"},
		{"no such folder", "none/m.onnx", linear(), "cannot write"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
				t.Fatal(err)
			}
			err := Save(filepath.Join(dir, c.path), c.model)
			var e *Error
			if !errors.As(err, &e) || e.Path == "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
			if c.name == "no such folder" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("does not say that the folder is missing")
			}
			onlyFile(t, dir, "folder")
		})
	}
}

func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestEncodeRefuses(t *testing.T) {
	attr := linear()
	attr.Graph.Nodes[0].SetAttr(Attr{Name: "t", Kind: AttrTensor})
	kind := linear()
	kind.Graph.Outputs[0].Kind = "map"
	none := linear()
	none.Graph = nil
	for name, m := range map[string]*Model{"tensor attribute without tensor": attr, "map made from a tensor": kind, "no graph": none} {
		if _, err := m.Encode(); err == nil {
			t.Errorf("%s: encodes", name)
		}
	}
}

// TestValueChanges writes types over the ones a file declared.
func TestValueChanges(t *testing.T) {
	m, err := Decode(restModel(t))
	if err != nil {
		t.Fatal(err)
	}
	in, mid := m.Graph.Inputs[0], m.Graph.ValueInfo[0]
	in.Dims = []Dim{Fixed(4), {Size: -1}, Symbolic("S")}
	mid.Kind = ""
	if m, err = Decode(encoded(t, m)); err != nil {
		t.Fatal(err)
	}
	in, mid = m.Graph.Inputs[0], m.Graph.ValueInfo[0]
	if d := in.Dims; len(d) != 3 || d[0] != Fixed(4) || d[1] != (Dim{Size: -1}) || d[2] != Symbolic("S") {
		t.Errorf("dims %v", d)
	}
	if mid.Kind != "" || mid.rest.GetType() != nil {
		t.Errorf("a type that was taken away reads as %q", mid.Kind)
	}
}
