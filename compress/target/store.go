// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/google/renameio/v2"
)

// header is the first line of a part: JSON that says what follows it.
type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Identity
	Dims    []int  `json:"dims"`
	Samples int    `json:"samples"`
	SHA256  string `json:"sha256"` // of everything after the line
}

const (
	format  = "kdcompress.targets"
	version = 1
	// maxHeader bounds the header's line.
	maxHeader = 64 << 10
	// held are the bytes of a part up to which its rows stay in memory.
	held = 64 << 20
)

// PartName is the file name of part i of n.
func PartName(i, n int) string { return fmt.Sprintf("part-%05d-of-%05d.kdt", i, n) }

// Write stores all answers as one part in a folder. The file appears whole or not
// at all. After the header's line come the keys, 16 bytes each, then the rows in
// the same order, encoded as Identity.Encoding says, numbers little-endian.
func (a *Answers) Write(dir, name string) error {
	keys, rows := a.keys, a.pending
	if len(a.parts) > 0 {
		keys, rows = nil, nil
		for k := range a.index {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(x, y Key) int { return bytes.Compare(x[:], y[:]) })
		row := make([]float32, a.width+a.taps)
		for _, k := range keys {
			if _, err := a.Read(k, row); err != nil {
				return err
			}
			rows = a.Identity.Encoding.appendRow(rows, row, a.width)
		}
	}
	return a.write(filepath.Join(dir, name), keys, rows)
}

func (a *Answers) write(path string, keys []Key, rows []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	sum := sha256.New()
	for _, k := range keys {
		sum.Write(k[:])
	}
	sum.Write(rows)
	h, err := json.Marshal(header{Format: format, Version: version, Identity: a.Identity, Dims: a.Dims,
		Samples: len(keys), SHA256: hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(append(h, '\n'))
	for _, k := range keys {
		w.Write(k[:])
	}
	w.Write(rows)
	return errors.Join(w.Flush(), f.CloseAtomicallyReplace())
}

// Spill names a folder for Flush, which is called as pending answers become many.
func (a *Answers) Spill(dir string) { a.spill = dir }

// Flush writes the answers that are in no part yet as one more part in the folder
// that Spill named. Its name holds a digest of the identity, so that many teachers,
// preprocessings and encodings can share a folder.
func (a *Answers) Flush() error {
	if len(a.keys) == 0 || a.spill == "" {
		return nil
	}
	id, err := json.Marshal(a.Identity)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(id)
	var path string
	for n := 0; ; n++ {
		path = filepath.Join(a.spill, fmt.Sprintf("part-%x-%05d.kdt", digest[:4], n))
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err := a.write(path, a.keys, a.pending); err != nil {
		return err
	}
	for _, k := range a.keys {
		delete(a.index, k)
	}
	a.keys, a.pending = nil, nil
	_, err = a.open(path)
	return err
}

// errKin is said of a part that differs in its taps or its encoding alone.
var errKin = errors.New("the same teacher's answers in another form")

// Load reads all parts in a folder that answer for id, merged. Parts of another
// teacher, output or preprocessing are passed over and named in skipped, those in
// another encoding or with other taps passed over in silence; a damaged part is an
// error. A folder that is not there holds nothing.
func Load(dir string, id Identity, dims []int) (a *Answers, skipped []string, err error) {
	return LoadTapped(dir, id, dims, 0)
}

// LoadTapped is Load for rows with taps.
func LoadTapped(dir string, id Identity, dims []int, taps int) (a *Answers, skipped []string, err error) {
	a = NewTapped(id, dims, taps)
	parts, err := filepath.Glob(filepath.Join(dir, "part-*.kdt"))
	if err != nil {
		return nil, nil, err
	}
	sort.Strings(parts)
	for _, path := range parts {
		used, err := a.open(path)
		if errors.Is(err, errKin) {
			continue
		}
		if err != nil {
			a.Close()
			return nil, nil, fmt.Errorf("%s: %w; delete it and label again", path, err)
		}
		if !used {
			skipped = append(skipped, path)
		}
	}
	return a, skipped, nil
}

// open merges a part. A small one is read into memory, a large one stays open.
func (a *Answers) open(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() <= held {
		var b []byte
		b, err = io.ReadAll(f)
		f.Close()
		if err != nil {
			return false, err
		}
		return a.read(b)
	}
	used := false
	if err == nil {
		used, err = a.merge(f, info.Size(), f)
	}
	if err != nil || !used {
		f.Close()
	}
	return used, err
}

// read merges the content of a part.
func (a *Answers) read(b []byte) (bool, error) {
	return a.merge(bytes.NewReader(b), int64(len(b)), nil)
}

// merge takes in a part. It reports false where the part answers for another
// identity.
func (a *Answers) merge(r io.ReaderAt, size int64, file io.Closer) (bool, error) {
	head := make([]byte, min(size, maxHeader))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return false, err
	}
	line, _, found := bytes.Cut(head, []byte{'\n'})
	if !found {
		return false, fmt.Errorf("not a part of a target store")
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Format != format {
		return false, fmt.Errorf("not a part of a target store")
	}
	if h.Version != version {
		return false, fmt.Errorf("written in version %d of the format, this program reads version %d", h.Version, version)
	}
	if h.Identity != a.Identity {
		own := a.Identity
		own.Taps, own.Encoding = h.Taps, h.Encoding
		if h.Identity == own {
			return false, errKin
		}
		return false, nil
	}
	if !slices.Equal(h.Dims, a.Dims) {
		return false, fmt.Errorf("logits of shape %v, the teacher gives %v", h.Dims, a.Dims)
	}
	start := int64(len(line)) + 1
	row := int64(len(Key{}) + a.rowBytes())
	if body := size - start; h.Samples < 0 || body%row != 0 || body/row != int64(h.Samples) {
		return false, fmt.Errorf("truncated: %d bytes for %d samples", body, h.Samples)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, start, size-start)); err != nil {
		return false, err
	}
	if hex.EncodeToString(sum.Sum(nil)) != h.SHA256 {
		return false, fmt.Errorf("damaged: its checksum does not fit")
	}
	keys := make([]byte, len(Key{})*h.Samples)
	if _, err := r.ReadAt(keys, start); err != nil && err != io.EOF {
		return false, err
	}
	at := int32(len(a.parts))
	a.parts = append(a.parts, part{r: r, rows: start + int64(len(keys)), file: file})
	for i := range h.Samples {
		if k := Key(keys[16*i : 16*i+16]); !a.Has(k) {
			a.index[k] = place{at, int32(i)}
		}
	}
	return true, nil
}
