// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// fetch runs scripts/fetch-ort.sh with an empty cache in home and the programs
// of path only.
func fetch(t *testing.T, home, path string) (out, messages string, err error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	cmd := exec.Command(sh, filepath.Join("..", "..", "scripts", "fetch-ort.sh"))
	cmd.Env = []string{"HOME=" + home, "PATH=" + path}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// cacheUnder is the folder that Find looks through where the home folder is home.
func cacheUnder(home string) string {
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Caches", "kdcompress", "onnxruntime")
	}
	return filepath.Join(home, ".cache", "kdcompress", "onnxruntime")
}

// programs makes a folder of links to what the script uses, but for npm.
func programs(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	dir := t.TempDir()
	for _, name := range []string{"sh", "uname", "mkdir", "mktemp", "rm", "mv", "chmod", "tr", "cut", "tar", "gzip", "openssl", "cp"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("needs %s", name)
		}
		if err := os.Symlink(real, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// installed lists the files below the cache.
func installed(t *testing.T, home string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(cacheUnder(home), "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(cacheUnder(home), "*", "*", ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(all, hidden)
}

// TestFetchRefusesAnotherArchive gives the script an npm that brings something
// else under the right name.
func TestFetchRefusesAnotherArchive(t *testing.T) {
	home, path := t.TempDir(), programs(t)
	npm := "#!/bin/sh\necho not the package >onnxruntime-node-1.30.0.tgz\n"
	if err := os.WriteFile(filepath.Join(path, "npm"), []byte(npm), 0o755); err != nil {
		t.Fatal(err)
	}
	out, messages, err := fetch(t, home, path)
	if err == nil || out != "" || !strings.Contains(messages, "not the pinned") || !strings.Contains(messages, "nothing was installed") {
		t.Errorf("error %v, printed %q, said %q", err, out, messages)
	}
	if left := installed(t, home); len(left) > 0 {
		t.Errorf("left %v behind", left)
	}
}

func TestFetchWithoutNpm(t *testing.T) {
	home, path := t.TempDir(), programs(t)
	out, messages, err := fetch(t, home, path)
	if err == nil || out != "" || !strings.Contains(messages, "neither npm nor curl") {
		t.Errorf("error %v, printed %q, said %q", err, out, messages)
	}
	if err := os.WriteFile(filepath.Join(path, "curl"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, messages, err = fetch(t, home, path)
	if err == nil || out != "" || !strings.Contains(messages, "KDCOMPRESS_ALLOW_UNVERIFIED=1") {
		t.Errorf("error %v, printed %q, said %q", err, out, messages)
	}
	if left := installed(t, home); len(left) > 0 {
		t.Errorf("left %v behind", left)
	}
}

// TestFetchAgreesWithFind puts a file where Find looks: the script must take it
// for the library, without npm or any other program but uname.
func TestFetchAgreesWithFind(t *testing.T) {
	home, path := t.TempDir(), programs(t)
	name := map[string]string{"linux": "libonnxruntime.so.1", "darwin": "libonnxruntime.1.30.0.dylib"}[runtime.GOOS]
	if name == "" {
		t.Skip("the script's folder is known to this test on Linux and macOS")
	}
	want := touch(t, cacheUnder(home), "1.30.0", platform(), name)
	f := finder{getenv: func(string) string { return "" }, cache: cacheUnder(home)}
	if got, _, err := f.find(""); got != want || err != nil {
		t.Fatalf("Find: %q, %v", got, err)
	}
	out, messages, err := fetch(t, home, path)
	if err != nil || out != want+"\n" || messages != "" {
		t.Errorf("error %v, printed %q, said %q, want %q", err, out, messages, want)
	}
}
