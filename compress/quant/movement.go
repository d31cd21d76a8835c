// SPDX-License-Identifier: Apache-2.0

package quant

// Operators that move elements hand integers on as they are.
var (
	_ = addRule(rule{Op: "Reshape", Role: movement, Since: 10, Data: 1})
	_ = addRule(rule{Op: "Flatten", Role: movement, Since: 10, Data: 1})
	_ = addRule(rule{Op: "Transpose", Role: movement, Since: 10, Data: 1})
	_ = addRule(rule{Op: "Squeeze", Role: movement, Since: 10, Data: 1})
	_ = addRule(rule{Op: "Unsqueeze", Role: movement, Since: 10, Data: 1})
)
