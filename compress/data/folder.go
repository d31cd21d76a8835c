// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// openFolder reads the pictures of a folder and those below it, sorted by path.
// Links to files are followed, links to folders are not.
func openFolder(ctx context.Context, root string, want []Want, o Options) (*source, error) {
	l, err := listFolder(ctx, root)
	if err != nil {
		return nil, err
	}
	return openPictures(ctx, l, want, o)
}

func listFolder(ctx context.Context, root string) (*listing, error) {
	top, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	l := &listing{path: root}
	others := 0
	err = filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir():
			return nil
		case !isPicture(d.Name()):
			others++
			return nil
		case len(l.names) == maxEntries:
			return fmt.Errorf("%s: holds more than %d pictures", root, maxEntries)
		}
		rel, err := filepath.Rel(top, p)
		l.names = append(l.names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(l.names) == 0 {
		return nil, fmt.Errorf("%s: no pictures (.png, .jpg, .jpeg) in this folder or below it; %d other files", root, others)
	}
	slices.Sort(l.names)
	l.read = func(i int) ([]byte, error) { return readPicture(filepath.Join(top, filepath.FromSlash(l.names[i]))) }
	return l, nil
}

// readPicture reads a file of bearable size. What it returns does not repeat
// the file's name, which the sample has.
func readPicture(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is not a file")
	}
	if err == nil && info.Size() > maxPicture {
		return nil, errTooLarge
	}
	var blob []byte
	if err == nil {
		blob, err = os.ReadFile(path)
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return blob, err
}
