// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/yalue/onnxruntime_go"
)

// APIVersion is the version of ONNX Runtime's C interface that this program is
// built against. A library must be of release 1.29 or newer to offer it.
const APIVersion = 29

// noTelemetry is the variable that keeps the library from collecting usage
// data. Builds for Linux and macOS read it while they load, and otherwise write
// a device identifier to the user's cache.
const noTelemetry = "ORT_DISABLE_TELEMETRY"

var loaded struct {
	sync.Mutex
	path string // "" until a library is loaded
}

// errNotLoaded is the error of every use before Init.
var errNotLoaded = errors.New("ONNX Runtime is not loaded")

// Init loads the ONNX Runtime library at path, once per process: calling it
// again with the same path does nothing, with another path is an error. A path
// that could not be loaded may be followed by another. Init sets
// ORT_DISABLE_TELEMETRY in the environment of the process where the user has
// not set it.
func Init(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("loading ONNX Runtime from %s: %w", path, err)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.path == abs {
		return nil
	}
	if loaded.path != "" {
		return fmt.Errorf("loading ONNX Runtime from %s: the process already uses %s", abs, loaded.path)
	}
	if err := regular(abs); err != nil {
		return fmt.Errorf("loading ONNX Runtime from %s: %w; run scripts/fetch-ort.sh, or pass another with --ort-lib", abs, err)
	}
	_, set := os.LookupEnv(noTelemetry)
	if !set {
		if err := os.Setenv(noTelemetry, "1"); err != nil {
			return fmt.Errorf("loading ONNX Runtime from %s: %w", abs, err)
		}
	}
	onnxruntime_go.SetSharedLibraryPath(abs)
	if err := onnxruntime_go.InitializeEnvironment(onnxruntime_go.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("loading ONNX Runtime from %s: %w (release 1.29 or newer is needed, for API version %d; run scripts/fetch-ort.sh, or pass another with --ort-lib)",
			abs, loadCause(err, abs), APIVersion)
	}
	if !set {
		if err := onnxruntime_go.DisableTelemetry(); err != nil {
			return fmt.Errorf("loading ONNX Runtime from %s: turning telemetry off: %w", abs, oneLine(err))
		}
	}
	loaded.path = abs
	return nil
}

// Version is the release of the loaded library, such as "1.30.0"; "" before Init.
func Version() string {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.path == "" {
		return ""
	}
	return onnxruntime_go.GetVersion()
}

// ready is nil once a library is loaded.
func ready() error {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.path == "" {
		return errNotLoaded
	}
	return nil
}

// loadCause cuts the binding's own words and repetitions of the path from the
// reason that a library does not load.
func loadCause(err error, path string) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(next) {
		err = next
	}
	msg := oneLine(err).Error()
	switch {
	case strings.HasPrefix(msg, "Error setting ORT API base"):
		return &lineError{"the library does not offer the API version that is needed", err}
	case strings.Contains(msg, "looking up OrtGetApiBase"):
		return &lineError{"the library has no OrtGetApiBase, so it is not ONNX Runtime", err}
	}
	if i := strings.LastIndex(msg, path+": "); i >= 0 {
		msg = msg[i+len(path)+2:]
	}
	return &lineError{msg, err}
}

// lineError is an error told on one line.
type lineError struct {
	msg string
	err error
}

func (e *lineError) Error() string { return e.msg }
func (e *lineError) Unwrap() error { return e.err }

// oneLine puts an error of the library on one line.
func oneLine(err error) error {
	msg := strings.Join(strings.Fields(err.Error()), " ")
	if msg == err.Error() {
		return err
	}
	return &lineError{msg, err}
}
