// SPDX-License-Identifier: Apache-2.0

package op

import "github.com/kdcompress/kdcompress/student/internal/kernel"

// GlobalAveragePool of ChannelsLast takes the mean of every channel: Y[N, 1, 1, C]
// from X[N, H, W, C].
var _ = register(Op{
	Name: "GlobalAveragePool", Domain: ChannelsLast, Since: 1,
	Bind32: bindLastGlobalAverage[float32], Bind64: bindLastGlobalAverage[float64],
	Cases: append(channelsLastCases(globalPoolCases(false)),
		Case{Name: "many channels", In: []Arg{{Shape: []int{5, 7, 6, 45}}}, NoRuntime: noRuntimeLast}),
})

func bindLastGlobalAverage[T kernel.Float](n *Node) (*Kernel[T], error) {
	if err := n.arity(1, 1, 1); err != nil {
		return nil, err
	}
	p, err := n.newPictures(0)
	if err != nil {
		return nil, err
	}
	c, share := p.channels, T(1/float64(p.height*p.width))
	k := result[T](n, []int{n.In[0].Shape[0], 1, 1, c}, p.batched)
	k.Scratch = c
	k.Sets = []int{0}
	k.Forward = []Phase[T]{func(f *Frame[T]) {
		for i := range p.images.of(f.N) {
			y := f.Out[0][i*c : (i+1)*c]
			clear(y)
			kernel.SumRows(y, f.In[0][i*p.size:(i+1)*p.size])
			kernel.Scal(y, share)
		}
	}}
	k.Backward = []Phase[T]{func(f *Frame[T]) {
		if f.DIn[0] == nil {
			return
		}
		d := f.Scratch[:c]
		for i := range p.images.of(f.N) {
			copy(d, f.DOut[0][i*c:(i+1)*c])
			kernel.Scal(d, share)
			dx := f.DIn[0][i*p.size : (i+1)*p.size]
			if f.Fresh[0] {
				copy(dx, d)
				kernel.Tile(dx, c)
				continue
			}
			for ; len(dx) > 0; dx = dx[c:] {
				kernel.Add(dx[:c], d)
			}
		}
	}}
	return k, nil
}
