#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Time training steps of the engine and of PyTorch, taking turns, in one run.

    go build -o bin/benchstep ./scripts/benchstep
    /usr/bin/python3 scripts/bench_step.py --engine bin/benchstep

A step is the forward pass, the backward pass and AdamW, on the same batch over
and over. Both sides have the same nets (as many weights, or the net is refused),
batches and threads. In every round each side takes as many steps as fit its turn;
the table has the medians over rounds. PyTorch runs as it comes and, for pictures,
with channels_last; the better counts. Its processes run with glibc's malloc set to
keep memory instead of returning it, and with the fused AdamW where there is one.
With --bf16 the engine rounds the operands of products to bfloat16, and PyTorch runs
under autocast to bfloat16 too, in either layout; its best counts.
Every net has processes of its own on both sides, of which one works at a time. Peak
memory is the most that a process had resident (VmHWM), the interpreter and PyTorch's
libraries included; what they take before there is a net stands beside it.
Needs PyTorch: `make bench-step` takes the newest it finds, PYTHON names another.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_TOP_PAD_": "67108864"}
if __name__ == "__main__" and any(os.environ.get(k) != v for k, v in MALLOC.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MALLOC})

import torch
from torch import nn
from torch.nn import functional as F

CLASSES, VOCABULARY, TEMPERATURE = 10, 30000, 4


def conv(a, b, size, pad, stride=1, groups=1):
    """A convolution, BatchNorm behind it."""
    return nn.Sequential(nn.Conv2d(a, b, size, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(b))


class Mean(nn.Module):
    """The mean over all positions."""

    def forward(self, x):
        return x.flatten(2).mean(2)


def mlp():
    return nn.Sequential(nn.Linear(784, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, CLASSES))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, CLASSES))


def cnn5():
    widths, layers = (3, 32, 64, 64, 128, 128), []
    for i, stride in enumerate((1, 2, 1, 2, 1)):
        layers += [nn.Conv2d(widths[i], widths[i + 1], 3, stride, 1), nn.ReLU()]
    return nn.Sequential(*layers, Mean(), nn.Linear(128, CLASSES))


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.deep = nn.Sequential(conv(a, b, 3, 1, stride), nn.ReLU(), conv(b, b, 3, 1))
        self.short = conv(a, b, 1, 0, stride) if a != b else nn.Identity()

    def forward(self, x):
        return F.relu(self.short(x) + self.deep(x))


def resnet20():
    blocks = [Block(*b) for b in ((16, 16, 1), (16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 1),
                                  (32, 64, 2), (64, 64, 1), (64, 64, 1))]
    return nn.Sequential(conv(3, 16, 3, 1), nn.ReLU(), *blocks, Mean(), nn.Linear(64, CLASSES))


def mobile():
    layers, a = [conv(3, 32, 3, 1), nn.ReLU6()], 32
    for b, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        layers += [conv(a, a, 3, 1, stride, a), nn.ReLU6(), conv(a, b, 1, 0), nn.ReLU6()]
        a = b
    return nn.Sequential(*layers, Mean(), nn.Linear(256, CLASSES))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 128)
        self.places = nn.Parameter(0.02 * torch.randn(64, 128))
        self.layers = nn.Sequential(*(nn.TransformerEncoderLayer(128, 4, 512, 0.0, "gelu", batch_first=True) for _ in range(2)))
        self.last = nn.Linear(128, CLASSES)

    def forward(self, ids):
        return self.last(self.layers(self.words(ids) + self.places).mean(1))


def wave():
    widths, layers = (1, 32, 64, 64, 128), []
    for i, stride in enumerate((4, 2, 2, 2)):
        layers += [nn.Conv1d(widths[i], widths[i + 1], 9, stride, 4), nn.ReLU()]
    return nn.Sequential(*layers, Mean(), nn.Linear(128, CLASSES))


class BiLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True, bidirectional=True)
        self.last = nn.Linear(256, CLASSES)

    def forward(self, x):
        return self.last(self.lstm(x)[0].mean(1))


# Name: what it is, how to make it, its input for a batch.
NETS = {
    "mlp": ("MLP 784-1200-1200-10", mlp, lambda: torch.randn(128, 784)),
    "lenet5": ("LeNet-5, 28x28", lenet5, lambda: torch.randn(128, 1, 28, 28)),
    "cnn5": ("5-layer CNN, 32x32", cnn5, lambda: torch.randn(128, 3, 32, 32)),
    "resnet20": ("ResNet-20, BatchNorm, 32x32", resnet20, lambda: torch.randn(128, 3, 32, 32)),
    "mobile": ("depthwise net, BatchNorm, 32x32", mobile, lambda: torch.randn(128, 3, 32, 32)),
    "transformer": ("transformer, 2 layers, 64 tokens", Transformer, lambda: torch.randint(VOCABULARY, (32, 64))),
    "wave": ("1-D CNN, 4,000 samples", wave, lambda: torch.randn(32, 1, 4000)),
    "bilstm": ("bidirectional LSTM 128, 64 steps", BiLSTM, lambda: torch.randn(32, 64, 64)),
}


class Process:
    """A process of one side, which works only while it has an order."""

    def __init__(self, *command):
        self.name = command[0]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended at the order {line!r}")
        return json.loads(answer)

    def steps(self, k):
        answer = self.order(f"steps {k}")
        if "error" in answer:
            raise SystemExit(f"{self.name}: {answer['error']}")
        return answer["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def resident(field):
    """The resident memory of this process in bytes: VmRSS, or its peak VmHWM."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(field))


class Torch:
    """A net in PyTorch and what trains it."""

    def __init__(self, make, data, channels_last, autocast):
        self.autocast = autocast
        torch.manual_seed(1)
        x = data()
        self.net, self.x, self.target = make().train(), x, torch.randn(len(x), CLASSES)
        if channels_last:
            self.net, self.x = self.net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        try:
            self.adam = torch.optim.AdamW(self.net.parameters(), lr=1e-3, fused=True)
        except (RuntimeError, TypeError):
            self.adam = torch.optim.AdamW(self.net.parameters(), lr=1e-3)

    def steps(self, k):
        begin = time.perf_counter()
        for _ in range(k):
            self.adam.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
                scores = self.net(self.x)
            scores = F.log_softmax(scores.float() / TEMPERATURE, 1)
            loss = TEMPERATURE**2 * F.kl_div(scores, F.softmax(self.target / TEMPERATURE, 1), reduction="batchmean")
            loss.backward()
            self.adam.step()
        return time.perf_counter() - begin


def serve(name, channels_last, autocast):
    """Take orders for one net, as the engine's program does."""
    idle = resident("VmRSS")
    side = Torch(*NETS[name][1:], channels_last, autocast)
    for line in sys.stdin:
        order, *rest = line.split()
        if order == "steps":
            answer = {"seconds": side.steps(int(rest[0]))}
        elif order == "weights":
            answer = {"weights": sum(p.numel() for p in side.net.parameters()), "batch": len(side.x), "dims": side.x.dim()}
        else:
            answer = {"peak": resident("VmHWM"), "idle": idle}
        print(json.dumps(answer), flush=True)


def rounds(sides, count, turn):
    """Let the sides take turns; return the median milliseconds a step of each."""
    fit = []
    for side in sides:
        side.steps(1)
        fit.append(max(1, min(1000, int(turn / side.steps(1)))))
    times = [[] for _ in sides]
    for _ in range(count):
        for side, k, list_ in zip(sides, fit, times):
            list_.append(side.steps(k) / k * 1e3)
    return [statistics.median(t) for t in times]


def machine():
    name = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            name = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} logical CPUs"


def load():
    return f"{os.getloadavg()[0]:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", help="the program built from scripts/benchstep")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")
    parser.add_argument("--rounds", type=int, default=21, help="rounds a net (default 21)")
    parser.add_argument("--turn", type=float, default=0.15, help="seconds a turn lasts where steps are short (default 0.15)")
    parser.add_argument("--nets", default=",".join(NETS), help="the nets to run, by name (default all: %(default)s)")
    parser.add_argument("--bf16", action="store_true", help="products in bfloat16 on both sides")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--channels-last", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--autocast", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.serve:
        return serve(args.serve, args.channels_last, args.autocast)
    if not args.engine:
        parser.error("--engine is missing")
    unknown = set(args.nets.split(",")) - set(NETS)
    if unknown:
        parser.error(f"no net {', '.join(sorted(unknown))}; there are {', '.join(NETS)}")
    threads = ("-threads", str(args.threads))
    product = Process(args.engine, *threads)
    versions = product.order("nets")
    before, peaks, missing, rows = load(), [], [], []
    for name in args.nets.split(","):
        title, child = NETS[name][0], (sys.executable, __file__, "--engine", args.engine, "--threads", str(args.threads), "--serve", name)
        engine, torches = Process(args.engine, *threads, *(["-bf16"] if args.bf16 else [])), [Process(*child)]
        net = torches[0].order("weights")
        if net["dims"] == 4:
            torches.append(Process(*child, "--channels-last"))
        if args.bf16:
            torches += [Process(*child, "--autocast")] + ([Process(*child, "--channels-last", "--autocast")] if net["dims"] == 4 else [])
        opened = engine.order("open " + name)
        if "error" not in opened and opened["weights"] != net["weights"]:
            raise SystemExit(f"{name}: {opened['weights']} weights in the engine, {net['weights']} in PyTorch")
        if "error" in opened:
            missing.append(f"{title}: {opened['error']}")
            continue
        matmul = product.order("matmul 20")
        if "gflops" in matmul:
            peaks.append(matmul["gflops"])
        ours, *theirs = rounds([engine, *torches], args.rounds, args.turn)
        memory = [side.order("memory") for side in (engine, torches[theirs.index(min(theirs))])]
        rows.append((title, net["batch"], ours, theirs, opened["macs"] * 6 / ours / 1e6, opened["bytes"] / 1e6, memory))
        print(f"{title}: {ours:.2f} ms, PyTorch {', '.join(f'{t:.2f}' for t in theirs)}", file=sys.stderr)
        for side in (engine, *torches):
            side.close()
    peak = statistics.median(peaks) if peaks else None
    print("| net (batch) | ours, ms | PyTorch, ms | PyTorch's best / ours | ours, GFLOP/s | of MatMul | our plan, MB | our peak, MB | PyTorch's peak, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for title, batch, ours, theirs, gflops, megabytes, memory in rows:
        share = f"{gflops / peak:.0%}" if peak else "-"
        used = " | ".join(f"{m['peak'] / 1e6:.0f} ({m['idle'] / 1e6:.0f} idle)" for m in memory)
        print(f"| {title} ({batch}) | {ours:.2f} | {min(theirs):.2f} | {min(theirs) / ours:.2f} | {gflops:.1f} | {share} | {megabytes:.1f} | {used} |")
    for line in missing:
        print(f"\nNot run: {line}.")
    product = "ONNX Runtime's MatMul was not measured"
    if peak:
        product = f"ONNX Runtime's MatMul at 1024x1024x1024 gave {peak:.1f} GFLOP/s (median of {len(peaks)})"
    print(f"\n{machine()}; {args.threads} threads on each side; {versions['go']}, PyTorch {torch.__version__}, Python {platform.python_version()}; "
          f"medians of {args.rounds} rounds in turns, load {before} before and {load()} after; {product}. "
          "GFLOP/s counts 6 operations for each multiply-add of a forward pass, the first layer's data gradient too, which is not computed.")
    if "BLAS_INFO=generic" in torch.__config__.show():
        print("\nThis PyTorch is built on whatever libblas the system has (Debian's), often the reference BLAS, which is slow: its times of nets "
              "made of matrix products (MLP, transformer, LSTM) say little about PyTorch from PyPI.")


if __name__ == "__main__":
    main()
