// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/student/internal/kernel"
)

// ToFirst of ChannelsLast brings the channels of images X[N, H, W, C] back to the
// second axis: Y[N, C, H, W]. With the attribute rank = 3 images of height one
// become sequences Y[N, C, L].
var _ = register(Op{
	Name: "ToFirst", Domain: ChannelsLast, Since: 1,
	Bind32: bindToFirst[float32], Bind64: bindToFirst[float64],
	Cases: []Case{
		{Name: "images", In: []Arg{{Shape: []int{5, 4, 7, 3}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "many channels", In: []Arg{{Shape: []int{5, 3, 11, 19}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "sequences", Attrs: []onnx.Attr{onnx.Int("rank", 3)}, In: []Arg{{Shape: []int{5, 1, 9, 13}}}, NoRuntime: "the runtime has no such operator"},
		{Name: "one pixel", In: []Arg{{Shape: []int{5, 1, 1, 9}}}, NoRuntime: "the runtime has no such operator"},
	},
})

func bindToFirst[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	shape := []int{n.In[0].Shape[0], p.channels, p.height, p.width}
	if n.Int("rank", 4) == 3 {
		if p.height != 1 {
			return nil, fmt.Errorf("images of height %d are no sequences", p.height)
		}
		shape = []int{shape[0], p.channels, p.width}
	}
	return turned[T](n, shape, p.height*p.width, p.channels), nil
}
