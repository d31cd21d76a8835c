// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"

	"github.com/kdcompress/kdcompress/onnx"
	"github.com/kdcompress/kdcompress/onnx/ort"
)

// Describe fills in what a file's bytes tell without running it. m is the
// decoded file.
func Describe(path string, file []byte, m *onnx.Model) Model {
	sum := sha256.Sum256(file)
	return Model{Path: path, SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(file)), Params: m.Graph.Params()}
}

// SetLatency enters a measurement into both models and the ratio.
func (r *Report) SetLatency(p LatencyPair) {
	r.Teacher.Latency, r.Student.Latency = p.A, p.B
	r.Teacher.LoadMS, r.Student.LoadMS = p.LoadA, p.LoadB
	if p.A.Runs > 0 {
		ci := p.CI95
		r.Ratio.LatencyP50, r.Ratio.LatencyP50CI95 = p.Ratio, &ci
	}
}

// SetRatios derives the ratios of sizes from Teacher and Student.
func (r *Report) SetRatios() {
	r.Ratio.Bytes = over(r.Teacher.Bytes, r.Student.Bytes)
	r.Ratio.Params = over(r.Teacher.Params, r.Student.Params)
	if r.Teacher.MACs != nil && r.Student.MACs != nil {
		r.Ratio.MACs = over(*r.Teacher.MACs, *r.Student.MACs)
	}
}

// SetContract enters the differences and trial runs and decides on both.
func (r *Report) SetContract(d []Difference, runs []RunCheck) {
	ok := Holds(d)
	for _, c := range runs {
		ok = ok && c.OK()
	}
	r.Contract = ContractResult{OK: ok, Differences: d, Runs: runs}
}

func over(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Here says what this process measures with and on; version is kdcompress's.
func Here(version string) Versions {
	return Versions{
		KDCompress: version, Go: runtime.Version(), ONNXRuntime: ort.Version(),
		CPU: ort.CPUModel(), OS: runtime.GOOS + "/" + runtime.GOARCH,
	}
}
