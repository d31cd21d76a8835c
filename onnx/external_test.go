// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// besides writes a model whose weights w lie as entries say, and the files around
// it: "model" is the folder of model.onnx, beside which there may be others.
func besides(t testing.TB, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "model")
	for _, dir := range []string{"model/data", "other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	p := &pb.ModelProto{}
	if err := proto.Unmarshal(encoded(t, linear()), p); err != nil {
		t.Fatal(err)
	}
	w := p.Graph.Initializer[0]
	blob := append(bytes.Repeat([]byte{0xee}, 64), w.RawData...)
	for _, at := range []string{"model/w.bin", "model/data/w.bin", "other/w.bin"} {
		if err := os.WriteFile(filepath.Join(root, at), blob, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"inside": "data/w.bin", "leaves": "../other/w.bin"} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Skipf("no symbolic links: %v", err)
		}
	}
	w.RawData, w.DataLocation = nil, pb.TensorProto_EXTERNAL
	for i := 0; i < len(entries); i += 2 {
		w.ExternalData = append(w.ExternalData, &pb.StringStringEntryProto{Key: entries[i], Value: entries[i+1]})
	}
	data, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "model.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExternalData(t *testing.T) {
	want, err := linear().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, entries := range map[string][]string{
		"beside":            {"location", "w.bin", "offset", "64", "length", "24"},
		"below":             {"location", "./data/w.bin", "offset", "64"},
		"link inside":       {"location", "inside", "offset", "64", "length", "24", "checksum", "da39a3ee"},
		"up and back again": {"location", "data/../w.bin", "length", "24", "offset", "64"},
	} {
		t.Run(name, func(t *testing.T) {
			m, data, err := Read(besides(t, entries...))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.Encode(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the model differs from the one with its weights inside, error %v", err)
			}
			if again, err := Decode(data); err != nil {
				t.Errorf("the bytes beside it: %v", err)
			} else if got, err := again.Encode(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the bytes beside it hold another model, error %v", err)
			}
		})
	}
}

func TestExternalDataRefused(t *testing.T) {
	for name, c := range map[string]struct {
		entries []string
		want    string
	}{
		"out of the folder":    {[]string{"location", "../other/w.bin", "offset", "64"}, `"../other/w.bin": path escapes from parent`},
		"a link that leaves":   {[]string{"location", "leaves", "offset", "64"}, `"leaves": path escapes from parent`},
		"an absolute path":     {[]string{"location", "/etc/passwd"}, `"/etc/passwd": path escapes from parent`},
		"missing":              {[]string{"location", "gone"}, `"gone": no such file`},
		"a folder":             {[]string{"location", "data"}, `"data": is no regular file`},
		"no location":          {[]string{"offset", "64"}, `"": names no file`},
		"past the end":         {[]string{"location", "w.bin", "offset", "65"}, `"w.bin" has 88 bytes, fewer than 24 from 65 on`},
		"far past the end":     {[]string{"location", "w.bin", "offset", "9223372036854775807"}, `"w.bin" has 88 bytes, fewer than 24 from 9223372036854775807 on`},
		"of another length":    {[]string{"location", "w.bin", "length", "20"}, "holds 20 bytes where its type float and dims [2 3] say 24"},
		"a negative offset":    {[]string{"location", "w.bin", "offset", "-1"}, `offset "-1" is no number of bytes`},
		"an offset in letters": {[]string{"location", "w.bin", "offset", "x"}, `offset "x" is no number of bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			path := besides(t, c.entries...)
			_, err := Load(path)
			want := path + `: tensor "w": its data outside the file: ` + c.want
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestExternalDataTooLarge refuses, before it allocates anything, what could not be
// written as one file.
func TestExternalDataTooLarge(t *testing.T) {
	path := besides(t, "location", "w.bin")
	p := &pb.ModelProto{}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(data, p); err != nil {
		t.Fatal(err)
	}
	p.Graph.Initializer[0].Dims = []int64{1 << 15, 1 << 14}
	if data, err = proto.Marshal(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "with it the model has 2 GiB or more") {
		t.Errorf("error %v", err)
	}
}

func FuzzExternalData(f *testing.F) {
	f.Add("location", "w.bin", "offset", "64", "length", "24")
	f.Add("location", "../other/w.bin", "length", "-1", "offset", "+1")
	f.Add("location", "leaves", "location", "/dev/zero", "", "")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, k3, v3 string) {
		m, _, err := Read(besides(t, k1, v1, k2, v2, k3, v3))
		if err == nil && m.Graph.Initializer("w").Len() != 6 {
			t.Error("weights of another size")
		}
	})
}
