// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GlobalMaxPool of ChannelsLast takes the maximum of every channel: Y[N, 1, 1, C] from
// X[N, H, W, C]. Its gradient goes to the first element that is the maximum.
var _ = register(Op{
	Name: "GlobalMaxPool", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastGlobalMax[float32], Bind64: bindLastGlobalMax[float64],
	Cases: append(channelsLastCases(globalPoolCases(true)),
		Case{Name: "many channels", In: []Arg{{Shape: []int{5, 7, 6, 45}, Distinct: true}}, NoRuntime: noRuntimeLast}),
})

func bindLastGlobalMax[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	ones, none := []int{1, 1}, []int{0, 0}
	size := []int{p.height, p.width}
	return lastMax[T](n, p, &kernel.Window{Kernel: size, In: size, Stride: ones, Dilation: ones, Out: ones, PadBegin: none, PadEnd: none}), nil
}
