// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"slices"
)

// weight is the parameter that a loss beside another is multiplied by.
func weight(def float64) Param {
	return Param{Name: "weight", Default: def, Max: 1e9, Doc: "weight in the objective"}
}

// eachPair collects one value a pair.
func (f *Fragment) eachPair(one func(Pair) string) []string {
	var losses []string
	for _, p := range f.Pairs {
		losses = append(losses, one(p))
	}
	return losses
}

// maps asks for feature maps.
func maps(p Pair) error {
	if !p.Map() {
		return fmt.Errorf("shapes %v and %v a sample are not both feature maps", p.StudentShape, p.TeacherShape)
	}
	return nil
}

// vectors asks for vectors.
func vectors(p Pair) error {
	if len(p.StudentShape) != 1 || len(p.TeacherShape) != 1 {
		return fmt.Errorf("shapes %v and %v a sample are neither two feature maps nor two vectors", p.StudentShape, p.TeacherShape)
	}
	return nil
}

// sameSize asks for maps of one height and width, or vectors.
func sameSize(p Pair) error {
	if !p.Map() {
		return vectors(p)
	}
	if s, t := p.StudentShape, p.TeacherShape; s[1] != t[1] || s[2] != t[2] {
		return fmt.Errorf("maps of %dx%d and %dx%d are not of one size", s[1], s[2], t[1], t[2])
	}
	return nil
}

// sameShape asks for tensors of one shape.
func sameShape(p Pair) error {
	if !slices.Equal(p.StudentShape, p.TeacherShape) {
		return fmt.Errorf("shapes %v and %v a sample differ", p.StudentShape, p.TeacherShape)
	}
	return nil
}
