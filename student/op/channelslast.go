// SPDX-License-Identifier: Apache-2.0

package op

import "fmt"

// ChannelsLast is the domain of operators on images [N, H, W, C]. They mean what
// the operators of ai.onnx with their names mean on [N, C, H, W]; weights keep the
// shapes that ONNX gives them. No file holds such nodes: the engine puts them in
// the place of others when it compiles a graph.
const ChannelsLast = "kdcompress.channelslast"

// noRuntimeLast is why ONNX Runtime judges none of the cases of ChannelsLast. Their
// twins in ai.onnx, which it judges, do.
const noRuntimeLast = "the runtime has no such operator"

// pictures is the geometry of images [N, H, W, C].
type pictures struct {
	images                  count
	height, width, channels int
	batched                 bool
	size                    int // elements of an image
}

// newPictures reads the shape of input i.
func (n *Node) newPictures(i int) (*pictures, error) {
	x := &n.In[i]
	if len(x.Shape) != 4 || Len(x.Shape[1:]) == 0 {
		return nil, fmt.Errorf("input %d of shape %v; images whose channels come last have four dimensions", i, x.Shape)
	}
	return &pictures{images: n.count(x.Shape[0], x.Batched), height: x.Shape[1], width: x.Shape[2], channels: x.Shape[3],
		batched: x.Batched, size: Len(x.Shape[1:])}, nil
}

// channelsLastCases are the cases on images [N, C, H, W] among those of a twin in
// ai.onnx, with the channels brought to the end.
func channelsLastCases(cases []Case) []Case {
	var all []Case
	for _, c := range cases {
		if len(c.In[0].Shape) != 4 || c.In[0].Shared {
			continue
		}
		c = orderArgs(c, toLast)
		c.NoRuntime = noRuntimeLast
		all = append(all, c)
	}
	return all
}

// toLast and toFirst are the orders of axes that bring channels to the end and back.
var toLast, toFirst = [4]int{0, 2, 3, 1}, [4]int{0, 3, 1, 2}

// orderArgs is a case with the axes of its images, not of its weights, in another
// order.
func orderArgs(c Case, order [4]int) Case {
	c.In = append([]Arg{}, c.In...)
	for i := range c.In {
		if s := c.In[i].Shape; c.images(i) {
			c.In[i].Shape = []int{s[order[0]], s[order[1]], s[order[2]], s[order[3]]}
		}
	}
	return c
}

// images says whether argument i of a case is images, not weights.
func (c *Case) images(i int) bool {
	return len(c.In[i].Shape) == 4 && (i == 0 || c.In[i].Batched)
}
