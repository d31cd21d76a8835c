// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// Views are the samples of a set as an augmentation changes them. A view has a
// number; the same sample, number and seed give the same view whatever the order
// they are asked for in, so that what a teacher says of it can be kept.
type Views struct {
	set      *Set
	augment  Augment
	seed     uint64
	partners []int // samples that may be mixed in
	planes   []plane
}

// Views prepares views of samples. partners are the samples that mixup and cutmix
// may mix in. It fails where the inputs do not suit the augmentation.
func (s *Set) Views(a Augment, partners []int, seed uint64) (*Views, error) {
	v := &Views{set: s, augment: a, seed: seed, partners: partners}
	pictures := a.Crop > 0 || a.Flip || a.Erase > 0 || a.CutMix
	for i := range s.src.fields {
		f := &s.src.fields[i]
		if f.want.whole() {
			return nil, fmt.Errorf("input %q takes whole numbers, which cannot be augmented with %s", clean(f.want.Name), a)
		}
		p, ok := f.planeOf("")
		if pictures && !ok {
			return nil, fmt.Errorf("input %q takes samples of %s, no pictures: crop, flip, erase and cutmix do not suit it", clean(f.want.Name), dimsText(f.dims))
		}
		if a.Crop >= max(p.height, 1) && pictures || a.Crop >= max(p.width, 1) && pictures {
			return nil, fmt.Errorf("pictures of %dx%d cannot be moved by %d", p.height, p.width, a.Crop)
		}
		v.planes = append(v.planes, p)
	}
	if (a.Mixup || a.CutMix) && len(partners) == 0 {
		return nil, fmt.Errorf("no samples to mix with")
	}
	return v, nil
}

// String is the augmentation.
func (v *Views) String() string { return v.augment.String() }

// draws are the random numbers of a view.
func (v *Views) draws(i int, view uint64) *rand.Rand {
	key := v.set.Key(i)
	lo, hi := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	return rand.New(rand.NewPCG(lo^v.seed*0x9e3779b97f4a7c15, hi^view*0xbf58476d1ce4e5b9))
}

// partner is the sample mixed into a view, -1 for none. It is the first draw.
func (v *Views) partner(r *rand.Rand) int {
	if !v.augment.Mixup && !v.augment.CutMix {
		return -1
	}
	return v.partners[r.IntN(len(v.partners))]
}

// Key identifies the view of a sample by content: the sample's, that of the sample
// mixed in, the augmentation, the seed and the view's number.
func (v *Views) Key(i int, view uint64) [16]byte {
	h := sha256.New()
	key := v.set.Key(i)
	h.Write(key[:])
	if p := v.partner(v.draws(i, view)); p >= 0 {
		key = v.set.Key(p)
		h.Write(key[:])
	}
	h.Write(binary.LittleEndian.AppendUint64(nil, view))
	h.Write(binary.LittleEndian.AppendUint64(nil, v.seed))
	h.Write([]byte(v.augment.String()))
	return [16]byte(h.Sum(nil)[:16])
}

// Batch writes a view of each of the samples idx to dst, which has one buffer for
// every input, as Set.Batch does.
func (v *Views) Batch(idx []int, view uint64, dst [][]float32) error {
	for field := range v.set.src.fields {
		width := elements(v.set.src.fields[field].dims)
		if len(dst[field]) != len(idx)*width {
			panic("data: the batch's buffer has another length than the batch")
		}
	}
	const least = 8
	return parallel(context.Background(), len(idx), least, func(from, to int) error {
		for j := from; j < to; j++ {
			if err := v.one(idx[j], view, dst, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// one writes a view as sample j of a batch.
func (v *Views) one(i int, view uint64, dst [][]float32, j int) error {
	r := v.draws(i, view)
	partner := v.partner(r)
	own := r.Uint64()
	lambda := r.Float64()
	cut := v.augment.CutMix && (!v.augment.Mixup || r.IntN(2) == 0)
	rect := [4]float64{r.Float64(), r.Float64(), r.Float64(), r.Float64()}
	for field := range v.planes {
		width := elements(v.set.src.fields[field].dims)
		out := dst[field][j*width : (j+1)*width]
		buf := make([]float32, 2*width)
		if err := v.geometry(i, field, own, out, buf[:width]); err != nil {
			return err
		}
		if partner < 0 {
			continue
		}
		other := buf[width:]
		if err := v.geometry(partner, field, own+1, other, buf[:width]); err != nil {
			return err
		}
		if p := &v.planes[field]; cut {
			p.paste(out, other, p.within(1-lambda, rect))
			continue
		}
		l := float32(lambda)
		for k := range out {
			out[k] = l*out[k] + (1-l)*other[k]
		}
	}
	return nil
}

// within is a rectangle that covers a share of a picture, of the picture's form,
// its middle anywhere (Yun et al. 2019, arXiv:1905.04899).
func (p *plane) within(share float64, at [4]float64) rectangle {
	h, w := float64(p.height)*math.Sqrt(share), float64(p.width)*math.Sqrt(share)
	y, x := at[0]*float64(p.height), at[1]*float64(p.width)
	clip := func(v float64, n int) int { return int(min(max(math.Round(v), 0), float64(n))) }
	return rectangle{clip(y-h/2, p.height), clip(y+h/2, p.height), clip(x-w/2, p.width), clip(x+w/2, p.width)}
}

// geometry writes a sample changed by all but mixing, with draws from a seed. buf
// has room for a sample.
func (v *Views) geometry(i, field int, seed uint64, out, buf []float32) error {
	r := rand.New(rand.NewPCG(seed, uint64(field)))
	a, p := v.augment, &v.planes[field]
	if err := v.set.Batch(field, []int{i}, buf); err != nil {
		return err
	}
	switch {
	case a.Crop > 0 || a.Flip:
		dx, dy := r.IntN(2*a.Crop+1)-a.Crop, r.IntN(2*a.Crop+1)-a.Crop
		p.move(out, buf, dx, dy, a.Flip && r.IntN(2) == 0)
	default:
		copy(out, buf)
	}
	if a.Shift > 0 {
		dims := v.set.src.fields[field].dims
		shift(out, buf, dims[len(dims)-1], r.IntN(2*a.Shift+1)-a.Shift)
	}
	if a.Erase > 0 && r.Float64() < a.Erase {
		// Zhong et al. 2020, arXiv:1708.04896: between 2% and a third of the picture.
		p.paste(out, nil, p.within(0.02+r.Float64()*(1.0/3-0.02), [4]float64{r.Float64(), r.Float64()}))
	}
	if a.Noise > 0 {
		for k := range out {
			out[k] += float32(a.Noise * r.NormFloat64())
		}
	}
	return nil
}

// shift moves every row of length n by some steps; the ends are repeated.
func shift(out, buf []float32, n, by int) {
	copy(buf, out)
	for lo := 0; lo < len(out); lo += n {
		for k := range n {
			out[lo+k] = buf[lo+min(max(k+by, 0), n-1)]
		}
	}
}
