// SPDX-License-Identifier: Apache-2.0

// Package student makes the models that are trained: architectures emitted as
// ONNX graphs that fit a teacher's inputs and outputs, and graphs of the user's
// own. A Student is a graph with trainable weights and the name of the tensor
// that carries its logits.
package student

import "github.com/kdcompress/kdcompress/onnx"

// Student is a model to train in place of a teacher.
type Student struct {
	Model *onnx.Model
	// Logits is the tensor that is compared with the teacher's logits.
	Logits string
	// Spec says where the model came from, in the form ParseSpec reads.
	Spec string

	taken   map[string]bool // weights taken over from the teacher, not trained
	tensors []string        // of all answers; nil where Logits is the only one
	units   []units         // of each answer
}
