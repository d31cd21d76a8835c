// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/kdcompress/kdcompress/onnx/ort"
)

// startRuntime finds and loads ONNX Runtime, once a process.
func startRuntime(library string) error {
	path, _, err := ort.Find(library)
	if err != nil {
		return err
	}
	return ort.Init(path)
}

// writable makes sure that files can be written to a folder, which it creates.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("output folder: %w", bare(dir, err))
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("output folder: %w", bare(dir, err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// bare names the folder once and leaves out the system call.
func bare(dir string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", dir, p.Err)
	}
	return err
}
