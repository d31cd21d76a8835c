// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
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
)

// PartName is the file name of part i of n.
func PartName(i, n int) string { return fmt.Sprintf("part-%05d-of-%05d.kdt", i, n) }

// Write stores the answers as one part in a folder. The file appears whole or
// not at all. After the header's line come the keys, 16 bytes each, then the
// logits, float32 little-endian, in the same order.
func (a *Answers) Write(dir, name string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var body bytes.Buffer
	body.Grow(len(a.keys)*16 + 4*len(a.logits))
	for _, k := range a.keys {
		body.Write(k[:])
	}
	var word [4]byte
	for _, v := range a.logits {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		body.Write(word[:])
	}
	sum := sha256.Sum256(body.Bytes())
	h, err := json.Marshal(header{Format: format, Version: version, Identity: a.Identity, Dims: a.Dims,
		Samples: len(a.keys), SHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, name), append(append(h, '\n'), body.Bytes()...), 0o644)
}

// Load reads all parts in a folder that answer for id, merged. Parts of another
// teacher, output or preprocessing are passed over and named in skipped; a
// damaged part is an error. A folder that is not there holds nothing.
func Load(dir string, id Identity, dims []int) (a *Answers, skipped []string, err error) {
	a = New(id, dims)
	parts, err := filepath.Glob(filepath.Join(dir, "part-*.kdt"))
	if err != nil {
		return nil, nil, err
	}
	sort.Strings(parts)
	for _, path := range parts {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		used, err := a.read(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w; delete it and label again", path, err)
		}
		if !used {
			skipped = append(skipped, path)
		}
	}
	return a, skipped, nil
}

// read merges one part. It reports false where the part answers for another
// identity.
func (a *Answers) read(b []byte) (bool, error) {
	line, _, found := bytes.Cut(b[:min(len(b), maxHeader)], []byte{'\n'})
	if !found {
		return false, fmt.Errorf("not a part of a target store")
	}
	body := b[len(line)+1:]
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Format != format {
		return false, fmt.Errorf("not a part of a target store")
	}
	if h.Version != version {
		return false, fmt.Errorf("written in version %d of the format, this program reads version %d", h.Version, version)
	}
	if h.Identity != a.Identity {
		return false, nil
	}
	if !slices.Equal(h.Dims, a.Dims) {
		return false, fmt.Errorf("logits of shape %v, the teacher gives %v", h.Dims, a.Dims)
	}
	row := 16 + 4*a.width
	if h.Samples < 0 || len(body)%row != 0 || len(body)/row != h.Samples {
		return false, fmt.Errorf("truncated: %d bytes for %d samples", len(body), h.Samples)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != h.SHA256 {
		return false, fmt.Errorf("damaged: its checksum does not fit")
	}
	keys, values := body[:16*h.Samples], body[16*h.Samples:]
	logits := make([]float32, a.width)
	for i := range h.Samples {
		for j := range logits {
			logits[j] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*(i*a.width+j):]))
		}
		a.Add(Key(keys[16*i:16*i+16]), logits)
	}
	return true, nil
}
