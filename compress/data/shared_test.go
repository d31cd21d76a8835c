// SPDX-License-Identifier: Apache-2.0

package data

import (
	"math"
	"path"
	"path/filepath"
	"testing"
)

// TestFashionMNIST reads 60,000 pictures of IDX bytes and compares their mean
// and deviation with the published ones.
func TestFashionMNIST(t *testing.T) {
	images := sharedData(t, "fashion-mnist/train-images-idx3-ubyte.gz")
	labels := filepath.Join(filepath.Dir(images), "train-labels-idx1-ubyte.gz")
	s := open(t, images, input1(1, 28, 28), Options{Labels: labels})
	if s.Len() != 60000 || len(s.Bad()) != 0 {
		t.Fatalf("%d samples, %d bad", s.Len(), len(s.Bad()))
	}
	batch := make([]float32, 1000*784)
	idx := make([]int, 1000)
	var sum, squares float64
	counts := make([]int, 10)
	for from := 0; from < s.Len(); from += len(idx) {
		for i := range idx {
			idx[i] = from + i
			class, _ := s.Label(from + i)
			counts[class]++
		}
		if err := s.Batch(0, idx, batch); err != nil {
			t.Fatal(err)
		}
		for _, v := range batch {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	n := float64(s.Len() * 784)
	mean := sum / n
	if std := math.Sqrt(squares/n - mean*mean); math.Abs(mean-0.28604) > 1e-5 || math.Abs(std-0.35302) > 1e-5 {
		t.Errorf("mean %.5f, std %.5f, want 0.28604, 0.35302", mean, std)
	}
	for class, c := range counts {
		if c != 6000 {
			t.Errorf("class %d has %d samples", class, c)
		}
	}
}

func TestOptdigits(t *testing.T) {
	rows := 0
	for _, part := range []string{"optdigits/optdigits.tra", "optdigits/optdigits.hol"} {
		s := open(t, sharedData(t, part), input1(1, 8, 8), Options{Labels: "column:-1", Scale: 1.0 / 16})
		rows += s.Len()
		for i, v := range all(t, s, 0) {
			if v < 0 || v > 1 {
				t.Fatalf("%s: value %d is %v, outside 0 to 16 sixteenths", part, i, v)
			}
		}
	}
	if rows > 3823 || rows < 3000 {
		t.Errorf("%d rows, want the training part's 3823 at most", rows)
	}
}

func TestGestures(t *testing.T) {
	s := open(t, sharedData(t, "gesture/keypoint.csv"), input1(42), Options{Labels: "column:0"})
	if s.Len() != 4450 || s.Preprocessing() != "values as stored, 42 values" {
		t.Errorf("%d samples, %q", s.Len(), s.Preprocessing())
	}
	for i := range s.Len() {
		if class, ok := s.Label(i); !ok || class > 2 {
			t.Fatalf("%s is of class %d", s.Name(i), class)
		}
	}
}

func TestCIFAR(t *testing.T) {
	s := open(t, sharedData(t, "cifar10-jpeg.tar"), input1(3, 32, 32), Options{Labels: "folder", Limit: 2000})
	if s.Len() != 2000 || len(s.Classes()) != 10 {
		t.Fatalf("%d samples of %v", s.Len(), s.Classes())
	}
	counts := make([]int, 10)
	for i := range s.Len() {
		class, ok := s.Label(i)
		if folder := path.Base(path.Dir(s.Name(i))); !ok || s.Classes()[class] != folder {
			t.Fatalf("%s is of class %d", s.Name(i), class)
		}
		counts[class]++
	}
	for class, c := range counts {
		if c < 199 || c > 201 {
			t.Errorf("the limit took %d of 2000 pictures from class %s, want a tenth", c, s.Classes()[class])
		}
	}
	again := open(t, sharedData(t, "cifar10-jpeg.tar"), input1(3, 32, 32), Options{Limit: 2000, Memory: 1})
	a, b := make([]float32, 8*3072), make([]float32, 8*3072)
	idx := []int{1999, 3, 500, 0, 7, 1000, 1001, 42}
	if err := s.Batch(0, idx, a); err != nil {
		t.Fatal(err)
	}
	if err := again.Batch(0, idx, b); err != nil {
		t.Fatal(err)
	}
	wantValues(t, b, a...)
	mean := 0.0
	for _, v := range all(t, s, 0) {
		mean += float64(v) / (2000 * 3072)
	}
	if mean < 0.4 || mean > 0.6 {
		t.Errorf("mean %.3f is not that of pictures in 0 to 1", mean)
	}
}
