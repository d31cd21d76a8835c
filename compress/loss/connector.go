// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/kdcompress/kdcompress/onnx"
)

// Weight is a projector's weight: normal numbers of deviation std, drawn from the
// seed and the name.
func (f *Fragment) Weight(stem string, std float64, dims ...int64) string {
	name := f.Name(ProjectorPrefix + stem)
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(f.seed, h.Sum64()))
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(std * r.NormFloat64())
	}
	f.G.Initializers = append(f.G.Initializers, onnx.NewFloat32(name, dims, v))
	return name
}

// constantWeight is a projector's weight that begins at one value.
func (f *Fragment) constantWeight(stem string, value float32, dims ...int64) string {
	name := f.Weight(stem, 0, dims...)
	t := f.G.Initializer(name)
	v := make([]float32, t.Len())
	for i := range v {
		v[i] = value
	}
	t.Data = onnx.FloatData(t.Type, v)
	return name
}

// conv is a square convolution without a bias that pads to keep the size, divided
// by the stride.
func (f *Fragment) conv(x string, in, out, size, stride int) string {
	w := f.Weight("conv", math.Sqrt(2/float64(in*size*size)), int64(out), int64(in), int64(size), int64(size))
	pad := int64(size / 2)
	return f.Op("Conv", []string{x, w}, onnx.Ints("kernel_shape", int64(size), int64(size)),
		onnx.Ints("strides", int64(stride), int64(stride)), onnx.Ints("pads", pad, pad, pad, pad), onnx.Ints("dilations", 1, 1))
}

// batchNorm normalises the channels of a map over the batch.
func (f *Fragment) batchNorm(x string, channels int) string {
	n := int64(channels)
	return f.Op("BatchNormalization", []string{x, f.constantWeight("scale", 1, n), f.constantWeight("shift", 0, n),
		f.constantWeight("mean", 0, n), f.constantWeight("var", 1, n)}, onnx.Float("epsilon", 1e-5), onnx.Float("momentum", 0.9))
}

// linear maps vectors, with a bias.
func (f *Fragment) linear(x string, in, out int) string {
	return f.Op("Gemm", []string{x, f.Weight("linear", math.Sqrt(1/float64(in)), int64(out), int64(in)), f.constantWeight("bias", 0, int64(out))}, onnx.Int("transB", 1))
}

// rows makes every sample one row: [N, ...] to [N, features].
func (f *Fragment) rows(x string, shape []int) string {
	if len(shape) == 1 {
		return x
	}
	return f.Op("Flatten", []string{x}, onnx.Int("axis", 1))
}

// reshape gives the tensor another shape; 0 keeps a dimension and -1 is what is left.
func (f *Fragment) reshape(x string, dims ...int64) string {
	return f.Op("Reshape", []string{x, f.Int64("shape", []int64{int64(len(dims))}, dims)})
}

// mul multiplies two tensors.
func (f *Fragment) mul(a, b string) string { return f.Op("Mul", []string{a, b}) }

// sub is a - b.
func (f *Fragment) sub(a, b string) string { return f.Op("Sub", []string{a, b}) }

// square multiplies a tensor by itself.
func (f *Fragment) square(x string) string { return f.mul(x, x) }

// meanSquare is the mean over a sample's elements of the squared difference, [N].
func (f *Fragment) meanSquare(a, b string, shape []int) string {
	return f.Scale(f.SumClasses(f.rows(f.square(f.sub(a, b)), shape)), 1/float64(Size(shape)))
}

// smoothL1 is x*x/2 where |x| < 1 and |x| - 1/2 elsewhere (Huber with beta 1).
func (f *Fragment) smoothL1(x string) string {
	a := f.Op("Abs", []string{x})
	q := f.Op("Min", []string{a, f.Float32("one", nil, []float32{1})})
	return f.mul(q, f.sub(a, f.Scale(q, 0.5)))
}

// plane multiplies the positions of every channel's plane by a matrix: a map of
// [N, c, h, w] becomes one of [N, c, h2, w2]. The matrix has h*w rows and h2*w2
// columns.
func (f *Fragment) plane(x string, c, h, w, h2, w2 int, matrix []float32) string {
	flat := f.reshape(x, 0, int64(c), int64(h*w))
	out := f.Op("MatMul", []string{flat, f.Float32("plane", []int64{int64(h * w), int64(h2 * w2)}, matrix)})
	return f.reshape(out, 0, int64(c), int64(h2), int64(w2))
}

// pooled averages a map down to h2 by w2 over windows that cover it evenly
// (adaptive average pooling). A map of that size is returned as it is.
func (f *Fragment) pooled(x string, shape []int, h2, w2 int) string {
	c, h, w := shape[0], shape[1], shape[2]
	if h == h2 && w == w2 {
		return x
	}
	m := make([]float32, h*w*h2*w2)
	for i := range h2 {
		y0, y1 := i*h/h2, ((i+1)*h+h2-1)/h2
		for j := range w2 {
			x0, x1 := j*w/w2, ((j+1)*w+w2-1)/w2
			for y := y0; y < y1; y++ {
				for z := x0; z < x1; z++ {
					m[(y*w+z)*h2*w2+i*w2+j] = 1 / float32((y1-y0)*(x1-x0))
				}
			}
		}
	}
	return f.plane(x, c, h, w, h2, w2, m)
}

// nearest stretches a map to h2 by w2, each position taking the nearest one.
func (f *Fragment) nearest(x string, shape []int, h2, w2 int) string {
	c, h, w := shape[0], shape[1], shape[2]
	if h == h2 && w == w2 {
		return x
	}
	m := make([]float32, h*w*h2*w2)
	for i := range h2 {
		for j := range w2 {
			m[(i*h/h2*w+j*w/w2)*h2*w2+i*w2+j] = 1
		}
	}
	return f.plane(x, c, h, w, h2, w2, m)
}

// alike brings both maps of a pair to the smaller height and width of the two.
func (f *Fragment) alike(p Pair) (student, teacher string, h, w int) {
	h, w = min(p.StudentShape[1], p.TeacherShape[1]), min(p.StudentShape[2], p.TeacherShape[2])
	return f.pooled(p.Student, p.StudentShape, h, w), f.pooled(p.Teacher, p.TeacherShape, h, w), h, w
}
