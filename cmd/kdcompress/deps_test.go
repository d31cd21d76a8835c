// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kdcompress/kdcompress/"

// allowed is the order of the packages, lowest first: what each may import of
// this module. A change that needs another arrow is a change of architecture;
// do not add a line here to make a build pass.
var allowed = map[string][]string{
	"onnx/internal/pb":        {},
	"onnx":                    {"onnx/internal/pb"},
	"onnx/rewrite":            {"onnx"},
	"onnx/ort":                {"onnx", "onnx/internal/pb"},
	"student/internal/kernel": {},
	"student/internal/crew":   {},
	"student/op":              {"onnx", "student/internal/kernel"},
	"student/engine":          {"onnx", "student/op", "student/internal/kernel", "student/internal/crew"},
	"student/optim":           {"student/internal/kernel", "student/internal/crew"},
	"student":                 {"onnx", "onnx/rewrite", "student/op", "student/engine"},
	"student/cut":             {"onnx", "onnx/rewrite", "student", "student/engine"},
	"compress/data":           {"onnx"},
	"compress/target":         {"onnx", "onnx/ort", "compress/data"},
	"compress/loss":           {"onnx"},
	"compress/distill":        {"onnx", "student", "student/engine", "student/optim", "compress/loss", "compress/target", "compress/data"},
	"compress/quant":          {"onnx", "onnx/rewrite", "onnx/ort"},
	"compress/report":         {"onnx", "onnx/ort", "onnx/rewrite", "compress/data"},
	"compress": {"onnx", "onnx/ort", "onnx/rewrite", "student", "student/op", "student/cut", "compress/data", "compress/target", "compress/loss",
		"compress/distill", "compress/report", "compress/quant"},
	"cmd/kdcompress": {"compress", "compress/report", "student", "student/cut"},
}

// generators are programs run by hand that no package imports.
var generators = []string{"student/internal/kernel/gen", "scripts/benchstep"}

// TestImportOrder holds every package to the table.
func TestImportOrder(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		if slices.ContainsFunc(generators, func(g string) bool { return pkg == g || strings.HasPrefix(pkg, g+"/") }) {
			return nil
		}
		may, known := allowed[pkg]
		if !known {
			t.Errorf("package %s is not in the table", pkg)
			return nil
		}
		seen[pkg] = true
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(p, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s, which it may not", filepath.ToSlash(path), ours)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("the table lists %s, which is not there", pkg)
		}
	}
}
