// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// input is a file opened for reading, unpacked where it is gzip.
type input struct {
	path string
	r    *bufio.Reader
	file *os.File
	at   io.ReaderAt // random access to the content, nil where it is packed
	size int64       // bytes of the content, -1 where it is packed
}

// openInput opens a regular file. Gzip is known by its first bytes.
func openInput(ctx context.Context, path string) (*input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is neither a file nor a folder", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &input{path: path, file: f, at: f, size: info.Size()}
	in.r = bufio.NewReaderSize(&capped{ctx, f, info.Size()}, 1<<16)
	if head, _ := in.r.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in.r)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: is damaged: %w", path, err)
		}
		in.at, in.size = nil, -1
		in.r = bufio.NewReaderSize(&capped{ctx, z, maxUnpacked}, 1<<16)
	}
	return in, nil
}

// again opens the same file from its start.
func (in *input) again(ctx context.Context) (*input, error) { return openInput(ctx, in.path) }

// Close closes the file.
func (in *input) Close() error { return in.file.Close() }

// sniff tells the format by the content's first bytes.
func (in *input) sniff() (string, error) {
	head, err := in.r.Peek(512)
	if len(head) == 0 {
		if err == io.EOF {
			return "", fmt.Errorf("%s: is empty", in.path)
		}
		return "", fmt.Errorf("%s: %w", in.path, err)
	}
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(in.path)), ".gz")
	switch {
	case len(head) >= 4 && head[0] == 0 && head[1] == 0 && idxKinds[head[2]] != kindNone && head[3] > 0:
		return "idx", nil
	case bytes.HasPrefix(head, []byte(npyMagic)):
		return "npy", nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return "npz", nil
	case len(head) > 262 && string(head[257:262]) == "ustar",
		strings.HasSuffix(name, ".tar"), strings.HasSuffix(name, ".tgz"):
		return "tar", nil
	case pictureFormat(head) != "":
		return "", fmt.Errorf("%s: is one picture: give the folder that holds the pictures", in.path)
	case bytes.IndexByte(head, 0) < 0:
		return "csv", nil
	}
	return "", fmt.Errorf("%s: is none of IDX, .npy, .npz, CSV, a tar archive or a folder of pictures (--format says which it is)", in.path)
}
