// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kdcompress/kdcompress/onnx/internal/pb"
)

// Limits on what a file may ask of the reader.
const (
	// maxMessageDepth bounds nested protobuf messages. A graph inside a node's
	// attribute costs three levels.
	maxMessageDepth = 100
	// maxGraphDepth bounds graphs nested in attributes.
	maxGraphDepth = 16
	// memoryPerByte and memorySpare bound the memory that decoding takes to
	// memoryPerByte for each byte of the file, plus memorySpare. Empty messages
	// take two bytes in a file and a hundred times that in memory.
	memoryPerByte = 32
	memorySpare   = 64 << 20
	messageMemory = 200
	elementMemory = 24
)

// scanner walks the bytes of a file before anything is allocated for them.
type scanner struct {
	size   int
	budget int64
}

// scan checks that data is a well-formed ModelProto that decodes within the
// limits: lengths inside the file, strings in UTF-8, nesting and memory bounded.
func scan(data []byte) error {
	s := &scanner{size: len(data), budget: memoryPerByte*int64(len(data)) + memorySpare}
	return s.message(data, 0, (&pb.ModelProto{}).ProtoReflect().Descriptor(), 0)
}

// message walks one message whose first byte is at offset at of the file.
func (s *scanner) message(b []byte, at int, desc protoreflect.MessageDescriptor, depth int) error {
	if depth >= maxMessageDepth {
		return fmt.Errorf("messages are nested deeper than %d at byte %d", maxMessageDepth, at)
	}
	if s.budget -= messageMemory; s.budget < 0 {
		return fmt.Errorf("file has too many tiny parts for its %d bytes", s.size)
	}
	fields := desc.Fields()
	for i := 0; i < len(b); {
		num, typ, n := protowire.ConsumeTag(b[i:])
		if n < 0 {
			return s.damaged(at+i, "a field tag", n)
		}
		i += n
		field := fields.ByNumber(num)
		if typ != protowire.BytesType {
			n = protowire.ConsumeFieldValue(num, typ, b[i:])
			if n < 0 {
				return s.damaged(at+i, fieldName(desc, field), n)
			}
			if field != nil && field.IsList() {
				s.budget -= 8
			}
			i += n
			continue
		}
		length, n := protowire.ConsumeVarint(b[i:])
		if n < 0 {
			return s.damaged(at+i, "the length of "+fieldName(desc, field), n)
		}
		i += n
		if left := len(b) - i; length > uint64(left) {
			return fmt.Errorf("truncated or damaged ONNX model: %s at byte %d says %d bytes, %d are left",
				fieldName(desc, field), at+i, length, left)
		}
		value := b[i : i+int(length)]
		if field != nil {
			if err := s.value(value, at+i, field, depth); err != nil {
				return err
			}
		}
		i += int(length)
	}
	return nil
}

// value walks the contents of a known length-delimited field.
func (s *scanner) value(b []byte, at int, field protoreflect.FieldDescriptor, depth int) error {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return s.message(b, at, field.Message(), depth+1)
	case protoreflect.StringKind, protoreflect.BytesKind:
		if s.budget -= elementMemory; s.budget < 0 {
			return fmt.Errorf("file has too many tiny parts for its %d bytes", s.size)
		}
		if field.Kind() == protoreflect.StringKind && !utf8.Valid(b) {
			return fmt.Errorf("damaged ONNX model: %s at byte %d is not UTF-8", fieldName(nil, field), at)
		}
	}
	return nil
}

func (s *scanner) damaged(at int, what string, code int) error {
	why := "is malformed"
	if errors.Is(protowire.ParseError(code), io.ErrUnexpectedEOF) {
		why = "is cut off"
	}
	return fmt.Errorf("truncated or damaged ONNX model: %s at byte %d %s", what, at, why)
}

// fieldName names a field for a message to people, as "GraphProto.node".
func fieldName(desc protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor) string {
	switch {
	case field != nil:
		return string(field.Parent().Name()) + "." + string(field.Name())
	case desc != nil:
		return "an unknown field of " + string(desc.Name())
	}
	return "an unknown field"
}
