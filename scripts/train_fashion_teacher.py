#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a teacher for Fashion-MNIST and export it as ONNX.

    python3 scripts/train_fashion_teacher.py --data DIR --out FILE.onnx

DIR holds the four gzip-compressed IDX files of Fashion-MNIST. Needs PyTorch,
NumPy and onnx. A plain convolutional net with BatchNorm; the images are
flipped at random while training. The graph takes "image", float[N,1,28,28],
each pixel (x/255 - 0.28604) / 0.35302, and gives "logits", float[N,10]. The
test images are evaluated once, at the end, and choose nothing.
"""
import argparse
import gzip
import math
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
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


def images(a):
    return ((torch.from_numpy(a.copy()).float() / 255 - MEAN) / STD)[:, None]


def block(i, o):
    return [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    x, y = images(idx(a.data, "train-images-idx3-ubyte.gz")), torch.from_numpy(idx(a.data, "train-labels-idx1-ubyte.gz").astype(np.int64))
    tx, ty = images(idx(a.data, "t10k-images-idx3-ubyte.gz")), torch.from_numpy(idx(a.data, "t10k-labels-idx1-ubyte.gz").astype(np.int64))
    net = nn.Sequential(*block(1, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2), *block(64, 128),
                        nn.Dropout2d(0.1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 49, 96), nn.ReLU(), nn.Linear(96, 10))
    net = net.to(memory_format=torch.channels_last)
    steps = len(x) // BATCH * a.epochs
    opt = torch.optim.AdamW(net.parameters(), lr=1, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: 3e-3 * min((s + 1) / 200, 0.5 + 0.5 * math.cos(math.pi * s / steps)))
    began = time.time()
    for epoch in range(a.epochs):
        net.train()
        order, total = torch.randperm(len(x)), 0.0
        for s in range(len(x) // BATCH):
            i = order[s * BATCH:(s + 1) * BATCH]
            b = x[i]
            flip = torch.rand(len(b)) < 0.5
            b[flip] = b[flip].flip(3)
            loss = F.cross_entropy(net(b.to(memory_format=torch.channels_last)), y[i], label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{a.epochs}  loss {total / (len(x) // BATCH):.4f}  {time.time() - began:.0f}s", flush=True)
    net.eval()
    with torch.no_grad():
        right = sum((net(tx[i:i + 500]).argmax(1) == ty[i:i + 500]).sum().item() for i in range(0, len(tx), 500))
    print(f"accuracy on the test images {right / len(tx):.4f}")
    net = net.to(memory_format=torch.contiguous_format)
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), a.out, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}}, opset_version=13, dynamo=False)


if __name__ == "__main__":
    main()
