#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write the training traces that student/engine/trace_test.go is held to.

    /usr/bin/python3 scripts/trace_vectors.py --out student/engine/testdata/trace

For each of some small nets it runs ten steps of SGD in PyTorch, in float64 on
one thread, and writes NET.json: the loss of every step, the gradients of the
first and the last step, the weights after the last, and BatchNorm's running
statistics after the first and the last. Weights and batches come from a formula
of whole numbers and are not stored. Needs PyTorch and NumPy (Debian 12:
python3-torch, python3-numpy).

The formula: element i of stream s is, all modulo 2^32,

    h = (i+1) * 2654435761 + s * 2246822519
    h = (h xor h>>15) * 2246822519
    h = h xor h>>13
    u(s, i) = (h >> 16) / 2^15 - 1

a multiple of 2^-15 in [-1, 1). Element i of a parameter begins as
base + scale * u(seed, i), scale a power of two; of step k's input (k from 0) it
is 2 * u(1000+k, i), of its target scores 4 * u(2000+k, i). All are exact in
float32.

The objective is the distillation loss with temperature T = 4: T^2 times the
Kullback-Leibler divergence of softmax(scores/T) from softmax(target/T), summed
over classes, averaged over samples. Constants that an ONNX file holds in
float32, such as BatchNorm's epsilon, are rounded to it here too.
"""
import argparse
import base64
import json
import math
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, CLASSES, TEMPERATURE, RATE = 10, 10, 5, 4, 0.05
ROOT_HALF = float(np.float32(math.sqrt(0.5)))


def stream(seed, n):
    """Return u(seed, 0..n-1) as float64."""
    mask = np.uint64(0xFFFFFFFF)
    i = np.arange(1, n + 1, dtype=np.uint64)
    h = (i * np.uint64(2654435761) + np.uint64(seed * 2246822519 % 2**32)) & mask
    h = ((h ^ (h >> np.uint64(15))) * np.uint64(2246822519)) & mask
    h ^= h >> np.uint64(13)
    return (h >> np.uint64(16)).astype(np.float64) / 2**15 - 1


def tensor(seed, shape, scale):
    return torch.from_numpy(scale * stream(seed, math.prod(shape))).reshape(shape)


def norm(channels):
    """BatchNorm with the constants of an ONNX file."""
    return nn.BatchNorm2d(channels, eps=float(np.float32(1e-5)), momentum=1 - float(np.float32(0.9)))


class MLP(nn.Module):
    shape, momentum = (6,), 0.9

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(6, 16), nn.Linear(16, 12), nn.Linear(12, CLASSES)

    def forward(self, x):
        return self.fc3(torch.tanh(self.fc2(F.relu(self.fc1(x)))))


class LeNet(nn.Module):
    shape, momentum = (1, 12, 12), 0

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 8, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(32, 16), nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Strided(nn.Module):
    shape, momentum = (3, 8, 8), 0.9

    def __init__(self):
        super().__init__()
        widths, strides = (3, 4, 6, 6, 8, 8), (1, 2, 1, 2, 1)
        for i in range(5):
            self.add_module(f"conv{i + 1}", nn.Conv2d(widths[i], widths[i + 1], 3, strides[i], 1))
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x):
        for i in range(5):
            x = F.relu(getattr(self, f"conv{i + 1}")(x))
        return self.fc(x.flatten(1))


class Residual(nn.Module):
    """BatchNorm with the batch's statistics, a plain and a strided residual block."""
    shape, momentum = (3, 8, 8), 0.9

    def __init__(self):
        super().__init__()
        def conv(name, a, b, size, stride):
            self.add_module(name, nn.Conv2d(a, b, size, stride, size // 2, bias=False))
            self.add_module(name + "_norm", norm(b))
        conv("stem", 3, 4, 3, 1)
        conv("a1", 4, 4, 3, 1)
        conv("a2", 4, 4, 3, 1)
        conv("b1", 4, 8, 3, 2)
        conv("b2", 8, 8, 3, 1)
        conv("short", 4, 8, 1, 2)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        def conv(name, x):
            return getattr(self, name + "_norm")(getattr(self, name)(x))
        x = F.relu(conv("stem", x))
        x = F.relu(x + conv("a2", F.relu(conv("a1", x))))
        x = F.relu(conv("short", x) + conv("b2", F.relu(conv("b1", x))))
        return self.fc(x.mean((2, 3)))


class Mobile(nn.Module):
    """Depthwise and 1x1 convolutions, HardSwish, ReLU6, squeeze and excite."""
    shape, momentum = (3, 8, 8), 0.9
    base = {"depth_norm.weight": 3}  # so that some values lie above 6

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(3, 6, 3, 1, 1, bias=False), norm(6)
        self.depth, self.depth_norm = nn.Conv2d(6, 6, 3, 2, 1, groups=6, bias=False), norm(6)
        self.squeeze, self.excite = nn.Conv2d(6, 3, 1), nn.Conv2d(3, 6, 1)
        self.point, self.point_norm = nn.Conv2d(6, 10, 1, bias=False), norm(10)
        self.fc = nn.Linear(10, CLASSES)

    def forward(self, x):
        x = F.hardswish(self.stem_norm(self.stem(x)))
        x = F.relu6(self.depth_norm(self.depth(x)))
        x = x * F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        x = F.hardswish(self.point_norm(self.point(x)))
        return self.fc(x.mean((2, 3)))


class Wave(nn.Module):
    """One-dimensional convolutions with dilation, groups and stride."""
    shape, momentum = (2, 32), 0

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(2, 8, 5, padding=4, dilation=2, groups=2)
        self.conv2 = nn.Conv1d(8, 12, 3, stride=2, padding=1, groups=4)
        self.fc = nn.Linear(96, CLASSES)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), float(np.float32(0.1)))
        x = self.conv2(x)
        x = x * (torch.erf(x * ROOT_HALF) + 1) * 0.5
        return self.fc(F.max_pool1d(x, 2).flatten(1))


class Attention(nn.Module):
    """An encoder block of PyTorch's own on six tokens."""
    shape, momentum = (6, 8), 0.9

    def __init__(self):
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0, activation="gelu", batch_first=True,
                                                layer_norm_eps=float(np.float32(1e-5)))
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.fc(self.block(x).mean(1))


class Sequence(nn.Module):
    """A bidirectional LSTM and a GRU over six steps, and the last step."""
    shape, momentum = (6, 4), 0.9

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(10, 3, batch_first=True)
        self.fc = nn.Linear(3, CLASSES)

    def forward(self, x):
        return self.fc(self.gru(self.lstm(x)[0])[0][:, -1])


def initial(net):
    """Set all parameters and states; return the record of each, in order."""
    records = []
    state = {name for name, _ in net.named_buffers()}
    for seed, (name, p) in enumerate(net.state_dict().items(), 1):
        if name.endswith("num_batches_tracked"):
            continue
        base, scale = 0.0, 0.25
        if p.dim() > 1:
            scale = 2.0 ** round(math.log2(math.sqrt(3 / math.prod(p.shape[1:]))))
        elif "norm" in name and name.endswith("weight"):
            base = getattr(net, "base", {}).get(name, 1.0)
        elif name in state:
            base, scale = (1.0 if name.endswith("var") else 0.0), 0.0
        with torch.no_grad():
            p.copy_(base + tensor(seed, tuple(p.shape), scale))
        records.append({"name": name, "shape": list(p.shape), "state": name in state, "seed": seed, "base": base, "scale": scale})
    return records


def pack(t):
    return base64.b64encode(t.detach().numpy().astype("<f8").tobytes()).decode()


def trace(net):
    net = net.double().train()
    records, losses = initial(net), []
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=net.momentum)
    weights = dict(net.named_parameters())
    for step in range(STEPS):
        x = tensor(1000 + step, (BATCH, *net.shape), 2)
        target = tensor(2000 + step, (BATCH, CLASSES), 4)
        optimizer.zero_grad()
        loss = TEMPERATURE**2 * F.kl_div(F.log_softmax(net(x) / TEMPERATURE, 1), F.softmax(target / TEMPERATURE, 1), reduction="batchmean")
        loss.backward()
        losses.append(loss.item())
        if step in (0, STEPS - 1):
            now = net.state_dict()
            for r in records:
                r["last" if step else "first"] = pack(now[r["name"]] if r["state"] else weights[r["name"]].grad)
        optimizer.step()
    for r in records:
        if not r["state"]:
            r["end"] = pack(weights[r["name"]])
    return {"torch": torch.__version__, "batch": BATCH, "classes": CLASSES, "shape": list(net.shape), "temperature": TEMPERATURE,
            "rate": RATE, "momentum": net.momentum, "losses": losses, "params": records}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder for the NET.json files")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for cls in (MLP, LeNet, Strided, Residual, Mobile, Wave, Attention, Sequence):
        path = os.path.join(out, cls.__name__.lower() + ".json")
        record = trace(cls())
        head = {k: v for k, v in record.items() if k != "params"}
        with open(path, "w") as f:
            f.write(json.dumps(head)[:-1] + ', "params": [\n')
            f.write(",\n".join(json.dumps(r) for r in record["params"]) + "\n]}\n")
        print(path, os.path.getsize(path), "bytes, losses", *(f"{v:.4f}" for v in record["losses"]))


if __name__ == "__main__":
    main()
