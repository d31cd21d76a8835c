// SPDX-License-Identifier: Apache-2.0

package ort

import (
	"errors"
	"fmt"

	"github.com/yalue/onnxruntime_go"

	"github.com/kdcompress/kdcompress/onnx"
)

// complete asks the runtime for what a model leaves to inference: the types of
// outputs declared by name only.
func complete(model []byte, sig *signature) error {
	open := false
	for _, o := range sig.outputs {
		open = open || o.Kind == "" || (o.Kind == Tensor && o.Type == onnx.Undefined)
	}
	if !open {
		return nil
	}
	_, outputs, err := onnxruntime_go.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return oneLine(err)
	}
	for i := range min(len(outputs), len(sig.outputs)) {
		o := &sig.outputs[i]
		if outputs[i].Name == o.Name && outputs[i].OrtValueType == onnxruntime_go.ONNXTypeTensor {
			o.Kind, o.Type = Tensor, onnx.DataType(outputs[i].DataType)
			if dims := outputs[i].Dimensions; len(dims) > 0 {
				o.Dims, o.Ranked = dims, true
			}
		}
	}
	return nil
}

// choose picks outputs by name.
func choose(all []Info, names []string) ([]Info, error) {
	var out []Info
next:
	for _, n := range names {
		for _, o := range all {
			if o.Name == n {
				if o.Kind != Tensor {
					return nil, notTensor("output", o)
				}
				out = append(out, o)
				continue next
			}
		}
		return nil, fmt.Errorf("the model has no output %.80q", n)
	}
	if len(out) == 0 {
		return nil, errors.New("no output is asked for")
	}
	return out, nil
}

// tensors leaves out what cannot be fetched.
func tensors(all []Info) []Info {
	var out []Info
	for _, o := range all {
		if o.Kind == Tensor {
			out = append(out, o)
		}
	}
	return out
}

func notTensor(what string, i Info) error {
	kind := i.Kind
	if kind == "" {
		kind = "value of unknown type"
	}
	return fmt.Errorf("%s %.80q is a %s, not a tensor: choose other outputs", what, i.Name, kind)
}
