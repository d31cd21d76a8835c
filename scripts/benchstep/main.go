// SPDX-License-Identifier: Apache-2.0

// Benchstep takes training steps with the engine when it is told to.
// scripts/bench_step.py starts it and lets it and PyTorch take turns; nothing
// runs here between two orders. It reads orders from standard input, one a line,
// and answers each with one line of JSON:
//
//	nets     the nets there are
//	open NET compile a net in place of the last
//	steps K  take K training steps: forward, backward, AdamW
//	memory   the most memory the process has had resident, and what it had at its start
//	matmul K the speed of K products of 1024x1024 matrices in ONNX Runtime
//
// An answer with "error" says why an order could not be carried out.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

func main() {
	profile := flag.String("cpuprofile", "", "write a profile of the processor until the end of input to this file")
	threads := flag.Int("threads", 2, "threads, of ONNX Runtime too")
	shards := flag.Int("shards", 0, "parts of a batch; as many as threads if 0")
	bf16 := flag.Bool("bf16", false, "round the operands of products to bfloat16")
	library := flag.String("ort-lib", "", "ONNX Runtime's shared library; found by itself if empty")
	flag.Parse()
	if *threads < 1 {
		fmt.Fprintln(os.Stderr, "benchstep: -threads must be 1 or more")
		os.Exit(2)
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchstep:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if *shards < 1 {
		*shards = *threads
	}
	runtime.GOMAXPROCS(*threads)
	out := json.NewEncoder(os.Stdout)
	b := &bench{threads: *threads, shards: *shards, bf16: *bf16, library: *library, idle: resident("VmRSS")}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		answer, err := b.obey(in.Text())
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, "benchstep:", err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "benchstep:", err)
		os.Exit(1)
	}
}

func (b *bench) obey(line string) (any, error) {
	order, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch order {
	case "nets":
		var names []string
		for _, n := range nets {
			names = append(names, n.name)
		}
		return map[string]any{"nets": names, "go": runtime.Version()}, nil
	case "open":
		return b.open(rest)
	case "memory":
		return memory{resident("VmHWM"), b.idle}, nil
	case "steps", "matmul":
		k, err := strconv.Atoi(rest)
		if err != nil || k < 1 {
			return nil, fmt.Errorf("%s wants a count, not %q", order, rest)
		}
		if order == "steps" {
			return b.steps(k)
		}
		return b.matmul(k)
	}
	return nil, fmt.Errorf("no order %q", order)
}
