// SPDX-License-Identifier: Apache-2.0

// Package compress is the product without its command line: Run distils a
// teacher as a Config says, Label keeps a teacher's answers, Compare holds two
// models against each other, Inspect describes one, Environment describes the
// machine. It wires the packages below it together and holds no mathematics.
package compress
