// SPDX-License-Identifier: Apache-2.0

package kernel

// windows says whether windows lie in memory without gaps, each so many pixels behind
// the one before: those of 1x1 and stride one, or along one axis without dilation.
// They are rows of a matrix, which may overlap, and with operands in bfloat16 all
// three passes are products of matrices.
func (c *ConvLast[T]) windows() bool {
	return c.in > 1 && (c.flat || c.y.out == 1 && c.image.rows == 1 && len(c.off.off) == 1)
}

// whole is a panel of all channels, without gaps.
func whole(channels int) []panel { return []panel{{cols: channels, width: channels}} }

// halfStrip is strips with operands in bfloat16.
func (c *ConvLast[T]) halfStrip(s *shardLast[T], y, img, bias []T, pixels int) {
	y = y[:pixels*c.out]
	var beta T
	if bias != nil {
		beta = 1
		for r := 0; r < len(y); r += c.out {
			copy(y[r:r+c.out], bias)
		}
	}
	GemmBF16(false, false, pixels, c.out, c.off.steps, 1, img, c.x.stride*c.in, s.forward, c.out, beta, y, c.out)
	if c.relu {
		Relu(y, y)
	}
}

// halfData is dataStrips with operands in bfloat16.
func (c *ConvLast[T]) halfData(s *shardLast[T], b *backLast, dx, sheet []T, pixels int, add bool) {
	var beta T
	if add {
		beta = 1
	}
	GemmBF16(false, false, pixels, c.in, b.off.steps, 1, sheet[b.off.off[0]:], c.out, s.back[b.packed:], c.in, beta, dx, c.x.stride*c.in)
}

// halfWeights is weightImage with operands in bfloat16, of one row of pixels.
func (c *ConvLast[T]) halfWeights(s *shardLast[T], img, d []T, pixels int) {
	GemmBF16(true, false, c.off.steps, c.out, pixels, 1, img, c.x.stride*c.in, d, c.out, 1, s.sums, c.out)
}
