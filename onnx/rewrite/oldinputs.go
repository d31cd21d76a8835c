// SPDX-License-Identifier: Apache-2.0

package rewrite

import "github.com/kdcompress/kdcompress/onnx"

// irFreeInitializers is the first IR version whose initializers need not be
// listed as inputs (onnx.proto, IR_VERSION_2019_1_22).
const irFreeInitializers = 4

// oldInputs removes initializers from the list of graph inputs. From IR version 4
// on such an entry means a default that a caller may replace; the weights of a
// model to be trained or measured are not replaced, so these go too.
func oldInputs(m *onnx.Model) error {
	m.Graph.Inputs = m.Graph.DataInputs()
	m.IRVersion = max(m.IRVersion, irFreeInitializers)
	return nil
}
