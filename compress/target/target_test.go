// SPDX-License-Identifier: Apache-2.0

package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var id = Identity{Teacher: "aa", Output: "logits", Preprocessing: "bb"}

func key(i byte) Key { return Key{i, 1, 2} }

func filled(from, to byte) *Answers {
	a := New(id, []int{3})
	for i := from; i < to; i++ {
		a.Add(key(i), []float32{float32(i), -1, 0.5 * float32(i)})
	}
	return a
}

func TestPartsMerge(t *testing.T) {
	dir := t.TempDir()
	for i, a := range []*Answers{filled(0, 5), filled(3, 9)} {
		if err := a.Write(dir, PartName(i, 2)); err != nil {
			t.Fatal(err)
		}
	}
	a, skipped, err := Load(dir, id, []int{3})
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	if a.Len() != 9 {
		t.Fatalf("%d answers", a.Len())
	}
	for i := byte(0); i < 9; i++ {
		if row := a.Row(key(i)); !slices.Equal(row, []float32{float32(i), -1, 0.5 * float32(i)}) {
			t.Errorf("sample %d: %v", i, row)
		}
	}
	if a.Row(key(9)) != nil {
		t.Error("an answer that nobody gave")
	}
}

func TestForeignPartsAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	if err := filled(0, 2).Write(dir, PartName(0, 1)); err != nil {
		t.Fatal(err)
	}
	other := id
	other.Teacher = "cc"
	a, skipped, err := Load(dir, other, []int{3})
	if err != nil || a.Len() != 0 || len(skipped) != 1 {
		t.Errorf("%d answers, skipped %v, error %v", a.Len(), skipped, err)
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	if err := filled(0, 4).Write(dir, PartName(0, 1)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, PartName(0, 1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)-3] ^= 1
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"a flipped bit": {flipped, "checksum"},
		"truncated":     {whole[:len(whole)-5], "truncated"},
		"text":          {[]byte("hello\nworld"), "not a part"},
		"empty":         {nil, "not a part"},
	} {
		if err := os.WriteFile(path, tc.data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(dir, id, []int{3})
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q and the path", name, err, tc.want)
		}
	}
}

func TestNoFolderHoldsNothing(t *testing.T) {
	a, _, err := Load(filepath.Join(t.TempDir(), "none"), id, []int{3})
	if err != nil || a.Len() != 0 {
		t.Error(a.Len(), err)
	}
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	if err := filled(0, 2).Write(dir, "p"); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := New(id, []int{3})
		used, err := a.read(b)
		if err != nil && a.Len() > 0 {
			t.Error("answers out of a refused part")
		}
		if used && err == nil && a.Len()*(16+12) > len(b) {
			t.Error("more answers than bytes")
		}
	})
}
