// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

var errExternal = errors.New("keeps its data outside the file (external data), which is read only beside a model that has a path")

// embed returns the bytes of the model in data, read from path, with what its
// tensors keep in other files put into them (onnx.proto, TensorProto.external_data;
// PyTorch writes models so). A file is read only if it is a regular one in the
// model's folder or below, reached by no link that leads out of it, and holds what
// the tensor's type and dims say.
func embed(path string, data []byte) ([]byte, error) {
	p := &pb.ModelProto{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxMessageDepth + 1}).Unmarshal(data, p); err != nil {
		return nil, err
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, bare(err)
	}
	defer folder.Close()
	files := map[string]*os.File{}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	total := int64(len(data))
	err = outside(p, func(t *pb.TensorProto) error {
		err := fetch(folder, files, t, &total)
		if err != nil {
			return fmt.Errorf("tensor %q: its data outside the file: %w", quoteName(t.Name), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(p)
}

// fetch moves a tensor's elements from a file of folder into the tensor. Total is
// what the model takes so far.
func fetch(folder *os.Root, files map[string]*os.File, t *pb.TensorProto, total *int64) error {
	var location string
	var offset int64
	length := int64(-1)
	for _, e := range t.ExternalData {
		var err error
		switch e.Key {
		case "location":
			location = e.Value
		case "offset":
			offset, err = strconv.ParseInt(e.Value, 10, 64)
		case "length":
			length, err = strconv.ParseInt(e.Value, 10, 64)
		}
		if err != nil || offset < 0 {
			return fmt.Errorf("%s %q is no number of bytes", e.Key, quoteName(e.Value))
		}
	}
	n, err := elements(t.Dims)
	if err != nil {
		return err
	}
	want, err := DataType(t.DataType).bytes(n)
	if err != nil {
		return err
	}
	if length >= 0 && length != want {
		return fmt.Errorf("holds %d bytes where its type %s and dims %v say %d", length, DataType(t.DataType), clip(t.Dims), want)
	}
	if *total += want; *total >= maxFileSize {
		return errors.New("with it the model has 2 GiB or more, which is too large")
	}
	f := files[location]
	if f == nil {
		if f, err = openWithin(folder, location); err != nil {
			return fmt.Errorf("%q: %w", quoteName(location), err)
		}
		files[location] = f
	}
	info, err := f.Stat()
	if err != nil {
		return bare(err)
	}
	if offset > info.Size() || want > info.Size()-offset {
		return fmt.Errorf("%q has %d bytes, fewer than %d from %d on", quoteName(location), info.Size(), want, offset)
	}
	raw := make([]byte, want)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, want), raw); err != nil {
		return fmt.Errorf("%q: %w", quoteName(location), bare(err))
	}
	t.RawData, t.ExternalData, t.DataLocation = raw, nil, pb.TensorProto_DEFAULT
	return nil
}

// openWithin opens a regular file of folder.
func openWithin(folder *os.Root, location string) (*os.File, error) {
	if location == "" {
		return nil, errors.New("names no file")
	}
	info, err := folder.Stat(location) // before opening, which waits for the other end of a pipe
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	f, err := folder.Open(location)
	if err != nil {
		return nil, bare(err)
	}
	return f, nil
}

// outside visits the tensors with external data anywhere inside a message.
func outside(m proto.Message, visit func(*pb.TensorProto) error) error {
	return protorange.Range(m.ProtoReflect(), func(v protopath.Values) error {
		last := v.Index(-1)
		if last.Step.Kind() == protopath.UnknownAccessStep {
			return nil
		}
		msg, ok := last.Value.Interface().(interface{ Interface() proto.Message })
		if !ok {
			return nil
		}
		if t, ok := msg.Interface().(*pb.TensorProto); ok && t.DataLocation == pb.TensorProto_EXTERNAL {
			return visit(t)
		}
		return nil
	})
}

// refuseExternal finds a tensor with external data anywhere inside a message.
func refuseExternal(m proto.Message) error {
	return outside(m, func(t *pb.TensorProto) error {
		return fmt.Errorf("tensor %q: %w", quoteName(t.Name), errExternal)
	})
}
