// SPDX-License-Identifier: Apache-2.0

package student_test

import (
	"maps"
	"testing"

	"github.com/kdcompress/kdcompress/student"
)

func TestParseSpec(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    map[string]string
		string     string // what String gives, the text itself if empty
	}{
		{"an architecture alone", "mlp", nil, ""},
		{"nothing after the colon", "mlp:", nil, "mlp"},
		{"options", "convnet:width=16,depth=3,head=mean", map[string]string{"width": "16", "depth": "3", "head": "mean"}, ""},
		{"options in another order", "convnet:depth=3,width=16", map[string]string{"width": "16", "depth": "3"}, "convnet:width=16,depth=3"},
		{"the ends of a range", "mlp:width=65536,depth=0", map[string]string{"width": "65536", "depth": "0"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := student.ParseSpec(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(s.Options, c.options) {
				t.Errorf("options %v, want %v", s.Options, c.options)
			}
			want := c.string
			if want == "" {
				want = c.text
			}
			if s.String() != want {
				t.Errorf("written as %q, want %q", s, want)
			}
			again, err := student.ParseSpec(s.String())
			if err != nil || again.Arch != s.Arch || !maps.Equal(again.Options, s.Options) {
				t.Errorf("%q is read back as %v, error %v", s, again, err)
			}
		})
	}
}

func TestParseSpecErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown architecture", "nobody", `no student architecture "nobody"; there are conv1d, convnet, fcn, mlp, mobilenet, resnet, tabular, tcn, textcnn, transformer, or the path of an .onnx file`},
		{"nothing", "", `no student architecture ""`},
		{"unknown option", "mlp:size=3", `student mlp has no option "size=3"; it has width, depth`},
		{"no value", "mlp:width", `student mlp has no option "width"`},
		{"a trailing comma", "mlp:width=3,", `student mlp has no option ""`},
		{"not a number", "mlp:width=wide", `option width is a number from 1 to 65536, not "wide"`},
		{"a fraction", "mlp:width=1.5", `not "1.5"`},
		{"below the range", "mlp:width=0", `option width is a number from 1 to 65536, not "0"`},
		{"above the range", "mlp:depth=65", `option depth is a number from 0 to 64, not "65"`},
		{"beyond integers", "mlp:width=99999999999999999999", `option width is a number`},
		{"not a choice", "convnet:head=max", `option head is one of flatten, mean, not "max"`},
		{"an empty choice", "convnet:head=", `option head is one of flatten, mean, not ""`},
		{"a line break", "mlp:width=\n3", `not "\n3"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := student.ParseSpec(c.text)
			refused(t, err, c.want)
		})
	}
}

func TestLookup(t *testing.T) {
	names := student.Names()
	if len(names) < 2 {
		t.Fatalf("architectures %v", names)
	}
	for i, name := range names {
		a := student.Lookup(name)
		if a == nil || a.Name != name || a.Summary == "" {
			t.Errorf("%s: %+v", name, a)
		}
		if i > 0 && names[i-1] >= name {
			t.Errorf("names are not in order: %v", names)
		}
	}
	if a := student.Lookup("nobody"); a != nil {
		t.Errorf("found %+v", a)
	}
}
