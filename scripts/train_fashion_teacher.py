#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a teacher for Fashion-MNIST and export it as ONNX.

    python3 scripts/train_fashion_teacher.py --data DIR --out FILE.onnx

DIR holds the four gzip-compressed IDX files of Fashion-MNIST. Needs PyTorch,
NumPy and onnx. A small residual net with BatchNorm, on images shifted by up
to two pixels and flipped, under a one-cycle schedule; --bf16 is faster on
processors with bfloat16 instructions. The graph takes "image",
float[N,1,28,28], each pixel (x/255 - 0.28604) / 0.35302, and gives "logits",
float[N,10]. The test images are evaluated once, at the end, and choose
nothing.
"""
import argparse
import gzip
import os
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD, BATCH = 0.28604, 0.35302, 256


def idx(directory, name):
    with gzip.open(os.path.join(directory, name), "rb") as f:
        raw = f.read()
    dims = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims).copy())


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(block(width, width), block(width, width))

    def forward(self, x):
        return x + self.body(x)


def resnet(channels, stem, widths, classes=10):
    """Three stages, each but the first behind a pooling by two."""
    a, b, c = widths
    return nn.Sequential(block(channels, stem), *([nn.MaxPool2d(2)] if a > stem else []), block(stem, a), Residual(a), nn.MaxPool2d(2), block(a, b),
                         *([Residual(b)] if c == b else [nn.MaxPool2d(2), block(b, c)]), Residual(c), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def crops(x, pad):
    """Every image shifted by up to pad pixels, half of them mirrored."""
    n, _, h, w = x.shape
    x = F.pad(x, (pad,) * 4).permute(0, 2, 3, 1)
    rows = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(h)
    columns = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(w)
    mirrored = torch.rand(n) < 0.5
    columns[mirrored] = columns[mirrored].flip(1)
    return x[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)  # channels last in memory


def cutout(x, side):
    """A square of every image set to zero, the mean; at the border it is cut off (DeVries & Taylor 2017)."""
    n, _, h, w = x.shape
    rows, columns = ((torch.arange(d) - torch.randint(d, (n, 1))).abs() * 2 <= side for d in (h, w))
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def fit(net, x, y, epochs, pad, bf16, rate=0.4, decay=5e-4, cut=0):
    """SGD with Nesterov momentum, the rate up for a quarter of the steps, then down to zero."""
    net.to(memory_format=torch.channels_last)
    steps = len(x) // BATCH
    opt = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(opt, rate, total_steps=steps * epochs, pct_start=0.25, anneal_strategy="linear", cycle_momentum=False)
    began = time.time()
    for epoch in range(epochs):
        net.train()
        order, total = torch.randperm(len(x)), 0.0
        for s in range(steps):
            i = order[s * BATCH:(s + 1) * BATCH]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                seen = crops(x[i], pad)
                z = net(cutout(seen, cut) if cut else seen)
            loss = F.cross_entropy(z.float(), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            cycle.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}  loss {total / steps:.4f}  {time.time() - began:.0f}s", flush=True)


def export(net, tx, ty, out):
    net.eval()
    with torch.no_grad():
        right = sum((net(tx[i:i + 500]).argmax(1) == ty[i:i + 500]).sum().item() for i in range(0, len(tx), 500))
    print(f"{sum(p.numel() for p in net.parameters())} parameters, accuracy on the test images {right / len(tx):.4f}")
    net.to(memory_format=torch.contiguous_format)
    torch.onnx.export(net, torch.zeros(1, *tx.shape[1:]), out, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}}, opset_version=13, dynamo=False)


def options():
    """What every script that trains a teacher with fit takes."""
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--bf16", action="store_true")
    return p


def main():
    a = options().parse_args()
    torch.manual_seed(a.seed)
    x, y, tx, ty = (idx(a.data, n) for n in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"))
    x, tx = (((v.float() / 255 - MEAN) / STD)[:, None] for v in (x, tx))
    net = resnet(1, 32, (64, 128, 128))
    fit(net, x, y.long(), a.epochs, 2, a.bf16)
    export(net, tx, ty.long(), a.out)


if __name__ == "__main__":
    main()
