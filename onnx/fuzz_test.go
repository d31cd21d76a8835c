// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDecode holds that no input panics, that every error takes one line, and
// that what decodes can be cloned, sorted and encoded, to bytes that decoding and
// encoding leave as they are.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(files) == 0 {
		f.Fatalf("no testdata: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			oneLine(t, err)
			return
		}
		valid := m.Check()
		oneLine(t, valid)
		once, err := m.Clone().Encode()
		if err != nil {
			t.Fatalf("decodes and does not encode: %v", err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("does not decode again: %v", err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%d bytes become %d: %v", len(once), len(twice), err)
		}
		if (again.Check() == nil) != (valid == nil) {
			t.Error("Check changes its mind")
		}
		if err := again.Graph.Sort(); err != nil {
			oneLine(t, err)
			if valid == nil {
				t.Error("a valid graph has a cycle")
			}
		}
	})
}

func oneLine(t *testing.T, err error) {
	if err != nil && strings.ContainsAny(err.Error(), "\n\r\u00a0") {
		t.Errorf("error is not one plain line: %q", err)
	}
}
