// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// maxFileSize is the most a protobuf message may take on disk.
const maxFileSize = 2 << 30

// Load reads, decodes and checks the model in a file. Every error is an *Error
// that names the path and takes one line. A file that is missing satisfies
// errors.Is(err, fs.ErrNotExist).
//
// What tensors keep in other files (external data) is read too, if these lie in the
// model's folder or below.
func Load(path string) (*Model, error) {
	m, _, err := Read(path)
	return m, err
}

// Read is Load and returns the model's bytes beside it: those of the file, or of one
// that holds everything where tensors are kept in other files.
func Read(path string) (*Model, []byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, &Error{Path: path, Err: err}
	}
	m, err := Decode(data)
	if errors.Is(err, errExternal) {
		if data, err = embed(path, data); err == nil {
			m, err = Decode(data)
		}
	}
	if err == nil {
		err = m.Check()
	}
	if err != nil {
		return nil, nil, InFile(path, err)
	}
	return m, data, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, bare(err)
	case info.IsDir():
		return nil, errors.New("is a directory, not an ONNX model")
	case info.Size() >= maxFileSize:
		return nil, fmt.Errorf("%d bytes: an ONNX file holds less than 2 GiB", info.Size())
	}
	var b bytes.Buffer
	if info.Mode().IsRegular() {
		b.Grow(int(info.Size()) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(f, maxFileSize)); err != nil {
		return nil, bare(err)
	}
	if b.Len() >= maxFileSize {
		return nil, errors.New("an ONNX file holds less than 2 GiB")
	}
	return b.Bytes(), nil
}

// bare takes the path out of an error of package os; Error adds it once.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// foreign names the formats that people hand over for an ONNX model.
var foreign = []struct {
	at          int
	magic, name string
}{
	{0, "PK\x03\x04", "a zip archive (a PyTorch, Keras or NumPy file?)"},
	{0, "\x1f\x8b", "gzip-compressed data; unpack it first"},
	{0, "\x89HDF\r\n", "an HDF5 file (Keras?)"},
	{0, "\x93NUMPY", "a NumPy array"},
	{0, "\x80\x02", "a Python pickle (PyTorch?)"},
	{0, "GGUF", "a GGUF file"},
	{4, "TFL3", "a TensorFlow Lite model"},
	{4, "ORTM", "an ONNX Runtime .ort model; use the .onnx it was made from"},
}

// stranger says what data is if it is plainly something else than a model,
// "" otherwise.
func stranger(data []byte) string {
	for _, f := range foreign {
		if len(data) > f.at && bytes.HasPrefix(data[f.at:], []byte(f.magic)) {
			return "not an ONNX model: " + f.name
		}
	}
	const look, show = 256, 32
	head := data[:min(len(data), look)]
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n <= 1 && len(head) >= utf8.UTFMax {
			return ""
		}
		if r < ' ' && !strings.ContainsRune("\t\n\r\f", r) {
			return ""
		}
		head = head[n:]
	}
	text := strings.ToValidUTF8(string(data[:min(len(data), show)]), "")
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return fmt.Sprintf("not an ONNX model: starts with text %q", text)
}
