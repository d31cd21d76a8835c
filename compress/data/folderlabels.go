// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"path"
	"slices"
)

// folderLabels takes the name of each picture's folder as its class, numbered
// in the order of the sorted names.
func folderLabels(l *listing) ([]int32, []string, error) {
	of := func(name string) string { return path.Base(path.Dir(name)) }
	var classes []string
	for _, name := range l.names {
		if of(name) == "." {
			return nil, nil, fmt.Errorf("%s: %s lies in no folder that could be its class (--labels folder)", l.path, clean(name))
		}
		classes = append(classes, of(name))
	}
	slices.Sort(classes)
	classes = slices.Compact(classes)
	labels := make([]int32, len(l.names))
	for i, name := range l.names {
		at, _ := slices.BinarySearch(classes, of(name))
		labels[i] = int32(at)
	}
	return labels, classes, nil
}
