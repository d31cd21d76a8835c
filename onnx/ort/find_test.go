// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// touch makes a file at the joined path and returns the path.
func touch(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFindOrder removes one place after another, best first.
func TestFindOrder(t *testing.T) {
	dir := t.TempDir()
	name := fileNames("")[0]
	first, second := touch(t, dir, "first.so"), touch(t, dir, "second.so")
	flag := touch(t, dir, "flag.so")
	program := touch(t, dir, "program", name)
	newest := touch(t, dir, "cache", "1.30.0", platform(), name)
	older := touch(t, dir, "cache", "1.9.0", platform(), name)
	system := touch(t, dir, "system[1]", name)
	missing := filepath.Join(dir, "missing.so")

	all := finder{program: filepath.Dir(program), cache: filepath.Join(dir, "cache"),
		system: []string{filepath.Join(dir, "empty"), filepath.Dir(system)}}
	both := map[string]string{envNames[0]: first, envNames[1]: second}
	cases := []struct {
		name     string
		explicit string
		env      map[string]string
		change   func(*finder)
		want     string
		source   string
	}{
		{"flag before all", flag, both, func(*finder) {}, flag, "--ort-lib"},
		{"own variable", "", both, func(*finder) {}, first, envNames[0]},
		{"shared variable", "", map[string]string{envNames[1]: second}, func(*finder) {}, second, envNames[1]},
		{"beside the program", "", nil, func(*finder) {}, program, "beside the program"},
		{"newest in the cache", "", nil, func(f *finder) { f.program = "" }, newest, "user cache"},
		{"system last", "", nil, func(f *finder) { f.program, f.cache = "", missing }, system, "system"},
		{"nowhere", "", nil, func(f *finder) { *f = finder{cache: missing} }, "", ""},
		{"missing flag does not fall back", missing, both, func(*finder) {}, "", "--ort-lib"},
		{"folder as flag", dir, both, func(*finder) {}, "", "--ort-lib"},
		{"missing variable does not fall back", "", map[string]string{envNames[0]: missing, envNames[1]: second}, func(*finder) {}, "", envNames[0]},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := all
			c.change(&f)
			f.getenv = func(k string) string { return c.env[k] }
			got, tried, err := f.find(c.explicit)
			if got != c.want {
				t.Fatalf("found %q, want %q; tried %v", got, c.want, tried)
			}
			last := tried[len(tried)-1]
			if c.want != "" {
				if err != nil || !last.Found || last.Path != c.want || last.Source != c.source {
					t.Errorf("last place %+v, error %v", last, err)
				}
				return
			}
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "fetch-ort.sh") {
				t.Fatalf("error %q does not say on one line what to do", err)
			}
			if c.source == "" != errors.Is(err, ErrNotFound) {
				t.Errorf("error %q, ErrNotFound expected: %t", err, c.source == "")
			}
			if c.source != "" && (last.Source != c.source || !strings.Contains(err.Error(), c.source)) {
				t.Errorf("last place %+v, error %q, want source %s", last, err, c.source)
			}
		})
	}
	if err := os.Remove(newest); err != nil {
		t.Fatal(err)
	}
	f := finder{getenv: func(string) string { return "" }, cache: all.cache}
	if got, _, err := f.find(""); got != older || err != nil {
		t.Errorf("without the newest: %q, %v, want %q", got, err, older)
	}
}

func TestFindReadsTheEnvironment(t *testing.T) {
	path := touch(t, t.TempDir(), "lib.so")
	t.Setenv(envNames[0], path)
	got, tried, err := Find("")
	if got != path || err != nil || len(tried) != 2 {
		t.Fatalf("got %q, %v, %v", got, tried, err)
	}
}

func TestNewestFirst(t *testing.T) {
	got := []string{"1.9.0", "1.30.0", "1.4.10", "1.30.0-rc1"}
	newestFirst(got)
	if want := "1.30.0-rc1 1.30.0 1.9.0 1.4.10"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
