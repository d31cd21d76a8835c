// SPDX-License-Identifier: Apache-2.0

package student

import (
	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/rewrite"
)

// Export is the model to deploy: BatchNormalization folded into the layers
// before it, Dropout and dead nodes removed. s itself stays trainable.
func (s *Student) Export() (*onnx.Model, error) {
	m, _, err := rewrite.FoldBatchNorm(s.Model)
	if err != nil {
		return nil, err
	}
	if m, err = rewrite.DropDropout(m); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}
