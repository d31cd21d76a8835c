// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"slices"

	"github.com/kdcompress/kdcompress/onnx"
)

// Size is what a stored tensor takes before and after.
type Size struct {
	Tensor   string `json:"tensor"`
	Elements int    `json:"elements"`
	Before   int    `json:"before_bytes"`
	Type     string `json:"type"` // as it is stored
	After    int    `json:"after_bytes"`
}

// Sizes compares the stored tensors of a model with those of what was made of it,
// largest first. A tensor that went into others has nothing after, and one that
// came in between has nothing before.
func Sizes(before, after *onnx.Model) []Size {
	var list []Size
	at := map[string]int{}
	for _, t := range before.Graph.Initializers {
		at[t.Name] = len(list)
		list = append(list, Size{Tensor: t.Name, Elements: t.Len(), Before: len(t.Data)})
	}
	// A tensor stored in a smaller type may stand behind a Cast under another name.
	behind := map[string]string{}
	for _, n := range after.Graph.Nodes {
		if n.OpType == "Cast" {
			behind[n.Inputs[0]] = n.Outputs[0]
		}
	}
	for _, t := range after.Graph.Initializers {
		name := t.Name
		i, ok := at[name]
		if !ok && behind[name] != "" {
			name = behind[name]
			i, ok = at[name]
		}
		if !ok {
			i = len(list)
			list = append(list, Size{Tensor: name, Elements: t.Len()})
		}
		list[i].After += len(t.Data)
		list[i].Type = t.Type.String()
	}
	slices.SortStableFunc(list, func(a, b Size) int { return max(b.Before, b.After) - max(a.Before, a.After) })
	return list
}
