// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"os"
	"path/filepath"
)

// Save checks the model and writes it to path. The file appears whole or not at
// all: the bytes go to a temporary file in the same folder, which is renamed
// over path once they are on the disk. Every error is an *Error with the path.
func Save(path string, m *Model) error {
	err := m.Check()
	var data []byte
	if err == nil {
		data, err = m.Encode()
	}
	if err == nil {
		err = writeFile(path, data)
	}
	if err != nil {
		return InFile(path, err)
	}
	return nil
}

// writeFile replaces path by data, leaving nothing behind where it fails.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".onnx-*.tmp")
	if err != nil {
		return fmt.Errorf("cannot write: %w", bare(err))
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("cannot write: %w", err)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return bare(err)
	}
	if err := f.Chmod(0o644); err != nil {
		return bare(err)
	}
	if err := f.Sync(); err != nil {
		return bare(err)
	}
	if err := f.Close(); err != nil {
		return bare(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return bareLink(err)
	}
	return nil
}

// bareLink takes both paths out of an error of os.Rename.
func bareLink(err error) error {
	if l, ok := err.(*os.LinkError); ok {
		return l.Err
	}
	return err
}
