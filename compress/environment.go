// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"runtime"
	"runtime/debug"

	"github.com/kdcompress/kdcompress/onnx/ort"
)

// version is what release builds set with -ldflags "-X ...compress.version=v1.2.3".
var version string

// Version is the program's version: the release, else the revision it was built
// from, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return "devel"
}

// Env is what this machine offers.
type Env struct {
	Version  string   `json:"version"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	Features []string `json:"features"`
	Library  string   `json:"library,omitempty"`
	Runtime  string   `json:"onnxruntime,omitempty"`
	Tried    []Place  `json:"tried"`
}

// Place is where the library was looked for.
type Place struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	Found  bool   `json:"found"`
}

// Environment looks for everything the program needs. The error says what is
// missing and how to get it; the rest is filled in all the same.
func Environment(library string) (Env, error) {
	e := Env{Version: Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: ort.CPUModel(), Cores: runtime.NumCPU(), Features: ort.CPU()}
	path, tried, err := ort.Find(library)
	for _, p := range tried {
		e.Tried = append(e.Tried, Place(p))
	}
	if err != nil {
		return e, err
	}
	e.Library = path
	if err := ort.Init(path); err != nil {
		return e, err
	}
	e.Runtime = ort.Version()
	return e, nil
}
