// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// loadInChild loads a library in a process of its own.
func loadInChild(t *testing.T, path string, env ...string) (out string, ok bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), loadOnly+"="+path), env...)
	b, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); err != nil && code != 3 {
		t.Fatalf("loading %s ended with %v", path, err)
	}
	return string(b), err == nil
}

func TestInit(t *testing.T) {
	path := library(t)
	if v := Version(); !strings.HasPrefix(v, "1.") {
		t.Errorf("version %q", v)
	}
	if err := Init(path); err != nil {
		t.Errorf("loading the same library again: %v", err)
	}
	other := touch(t, t.TempDir(), "other.so")
	if err := Init(other); err == nil || !strings.Contains(err.Error(), "already uses "+path) {
		t.Errorf("loading another library: %v", err)
	}
}

func TestOpenNeedsInit(t *testing.T) {
	if out, ok := loadInChild(t, noLibrary); ok || out != errNotLoaded.Error() {
		t.Errorf("opened %t, said %q", ok, out)
	}
}

func TestInitRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte(strings.Repeat("no library at all\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, path, want string }{
		{"text file", text, "invalid ELF header"},
		{"empty file", func() string {
			p := filepath.Join(dir, "empty.so")
			if err := os.WriteFile(p, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			return p
		}(), "file too short"},
		{"missing file", filepath.Join(dir, "missing.so"), "no such file"},
		{"another library", compile(t, dir, "other", "int x;"), "OrtGetApiBase"},
		{"older release", compile(t, dir, "older", `
			static const void *api(unsigned version) { return 0; }
			static const char *version(void) { return "1.20.0"; }
			static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
			const void *OrtGetApiBase(void) { return &base; }`), "does not offer the API version"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS != "linux" {
				t.Skip("the loader's words are those of Linux")
			}
			if c.path == "" {
				t.Skip("needs a C compiler")
			}
			got, ok := loadInChild(t, c.path)
			if ok || strings.Contains(got, "\n") {
				t.Fatalf("loaded %t, said %q, want one line", ok, got)
			}
			for _, want := range []string{c.want, c.path, "fetch-ort.sh"} {
				if !strings.Contains(got, want) {
					t.Errorf("said %q, which does not mention %q", got, want)
				}
			}
			if strings.Count(got, c.path) != 1 {
				t.Errorf("said %q, which repeats the path", got)
			}
		})
	}
}

// compile makes a shared library of C source, "" where there is no compiler.
func compile(t *testing.T, dir, name, source string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		return ""
	}
	src, lib := filepath.Join(dir, name+".c"), filepath.Join(dir, name+".so")
	if err := os.WriteFile(src, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return lib
}

// TestInitLeavesNoTrace watches the folders where the library would keep a
// device identifier.
func TestInitLeavesNoTrace(t *testing.T) {
	path := library(t)
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "TMPDIR=" + home}
	if v := os.Getenv(noTelemetry); v != "1" {
		t.Skipf("%s=%s in the environment", noTelemetry, v)
	}
	if err := os.Unsetenv(noTelemetry); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Setenv(noTelemetry, "1") })
	if out, ok := loadInChild(t, path, env...); !ok {
		t.Fatal(out)
	}
	var left []string
	err := filepath.WalkDir(home, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, p)
		}
		return err
	})
	if err != nil || len(left) > 0 {
		t.Errorf("loading left %v behind (%v)", left, err)
	}
}

func TestCPU(t *testing.T) {
	got := CPU()
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || runtime.GOARCH != "amd64" {
		t.Skip("compares with what Linux tells of an amd64 processor")
	}
	told := strings.Fields(string(text))
	for _, f := range []string{"avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni"} {
		if slices.Contains(got, f) != slices.Contains(told, f) {
			t.Errorf("%s: CPU says %t, Linux says %t", f, slices.Contains(got, f), slices.Contains(told, f))
		}
	}
	if m := CPUModel(); m == "" || !strings.Contains(string(text), m) {
		t.Errorf("model %q", m)
	}
}
