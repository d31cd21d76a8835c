// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Place is a place where Find looks for the library.
type Place struct {
	Source string // what names the place: "--ort-lib", an environment variable, "user cache", ...
	Path   string // the file looked for; empty where the source names none
	Found  bool
}

// ErrNotFound says that no place holds an ONNX Runtime library.
var ErrNotFound = errors.New("ONNX Runtime library not found: run scripts/fetch-ort.sh, or pass its path with --ort-lib")

// envNames are the environment variables that name the library, in order.
var envNames = []string{"KDCOMPRESS_ORT_LIB", "ONNXRUNTIME_SHARED_LIBRARY_PATH"}

// Find returns the path of the ONNX Runtime shared library. It looks, in this
// order, at explicit (the value of --ort-lib, "" for none), the variables
// KDCOMPRESS_ORT_LIB and ONNXRUNTIME_SHARED_LIBRARY_PATH, beside the program,
// in the user's cache as scripts/fetch-ort.sh lays it out (newest version
// first), and in the system's library folders. tried lists the places in the
// order they were looked at, the found one last.
//
// A file that the option or a variable names must exist: there is no fallback
// from it. The error is ErrNotFound where no place has a library.
func Find(explicit string) (path string, tried []Place, err error) {
	f := finder{getenv: os.Getenv, system: systemDirs()}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		f.program = filepath.Dir(exe)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		f.cache = filepath.Join(cache, "kdcompress", "onnxruntime")
	}
	return f.find(explicit)
}

// finder holds what Find takes from the process and the system.
type finder struct {
	getenv  func(string) string
	program string   // folder of the executable, "" if unknown
	cache   string   // folder with one folder per version, "" if unknown
	system  []string // library folders
}

func (f finder) find(explicit string) (string, []Place, error) {
	named := []Place{{Source: "--ort-lib", Path: explicit}}
	for _, e := range envNames {
		named = append(named, Place{Source: e, Path: f.getenv(e)})
	}
	var tried []Place
	for _, p := range named {
		if p.Path == "" {
			tried = append(tried, p)
			continue
		}
		err := regular(p.Path)
		p.Found = err == nil
		tried = append(tried, p)
		if err != nil {
			return "", tried, fmt.Errorf("ONNX Runtime library %s named by %s: %w; correct it, or run scripts/fetch-ort.sh and leave it out", p.Path, p.Source, err)
		}
		return p.Path, tried, nil
	}
	for _, p := range f.places() {
		p.Found = regular(p.Path) == nil
		tried = append(tried, p)
		if p.Found {
			return p.Path, tried, nil
		}
	}
	return "", tried, ErrNotFound
}

// places lists the files that no one names, best first.
func (f finder) places() []Place {
	var out []Place
	if f.program != "" {
		for _, n := range fileNames(f.program) {
			out = append(out, Place{Source: "beside the program", Path: filepath.Join(f.program, n)})
		}
	}
	if f.cache != "" {
		versions := subfolders(f.cache)
		if len(versions) == 0 {
			out = append(out, Place{Source: "user cache", Path: filepath.Join(f.cache, "*", platform(), fileNames("")[0])})
		}
		for _, v := range versions {
			dir := filepath.Join(f.cache, v, platform())
			for _, n := range fileNames(dir) {
				out = append(out, Place{Source: "user cache", Path: filepath.Join(dir, n)})
			}
		}
	}
	for _, dir := range f.system {
		for _, n := range fileNames(dir) {
			out = append(out, Place{Source: "system", Path: filepath.Join(dir, n)})
		}
	}
	return out
}

// fileNames lists the names the library has in dir, versioned ones included,
// or where dir has none the name it would have.
func fileNames(dir string) []string {
	plain, versioned := "libonnxruntime.so", "libonnxruntime.so.*"
	switch runtime.GOOS {
	case "darwin":
		plain, versioned = "libonnxruntime.dylib", "libonnxruntime.*.dylib"
	case "windows":
		return []string{"onnxruntime.dll"}
	}
	var names []string
	if dir != "" {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), versioned))
		for _, p := range found {
			names = append(names, filepath.Base(p))
		}
		newestFirst(names)
	}
	return append([]string{plain}, names...)
}

// escapeGlob quotes what filepath.Glob gives a meaning to.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// platform is the name of this system as npm writes it, such as linux-x64.
func platform() string {
	system, arch := runtime.GOOS, runtime.GOARCH
	if system == "windows" {
		system = "win32"
	}
	if arch == "amd64" {
		arch = "x64"
	}
	return system + "-" + arch
}

// systemDirs lists the folders that the system's loader or package managers use.
func systemDirs() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"/opt/homebrew/lib", "/usr/local/lib"}
	case "windows":
		return nil
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	dirs := []string{"/usr/local/lib", "/usr/local/lib64", "/usr/lib", "/usr/lib64"}
	if triplet != "" {
		dirs = append(dirs, "/usr/local/lib/"+triplet, "/usr/lib/"+triplet)
	}
	return dirs
}

// regular says why path is not a file that can be loaded, nil if it is one.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no such file")
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a file")
	}
	return nil
}

// subfolders lists the version folders of dir, newest first.
func subfolders(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	newestFirst(names)
	return names
}

// newestFirst sorts names by the numbers in them, the highest first.
func newestFirst(names []string) {
	slices.SortStableFunc(names, func(a, b string) int {
		return slices.Compare(numbers(b), numbers(a))
	})
}

func numbers(s string) []int {
	var out []int
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(part); err == nil {
			out = append(out, n)
		}
	}
	return out
}
