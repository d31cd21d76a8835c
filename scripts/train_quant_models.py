#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train briefly and export the classifiers that scripts/bench_quant.py quantizes.

    python3 scripts/train_quant_models.py --fashion DIR --cifar TAR --out DIR [NAME...]

NAME is one of fashion-cnn, cifar-cnn, resnet20, depthwise, transformer; all of
them if none is given. DIR of --fashion holds the four IDX files of Fashion-MNIST,
TAR of --cifar the 60,000 CIFAR-10 pictures as train|test/CLASS/N.jpg. Needs PyTorch, NumPy, onnx
and Pillow. Every graph takes a normalised float[N,C,H,W] and gives logits
float[N,10] in opset 17. Beside the models, --out receives the pictures as kdcompress
reads them: DATASET-train.npy, DATASET-test.npy (float, normalised) and
DATASET-test-labels.npy.
"""
import argparse
import gzip
import io
import os
import tarfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def fashion(folder):
    def read(name):
        with gzip.open(os.path.join(folder, name), "rb") as f:
            raw = f.read()
        dims = np.frombuffer(raw, ">u4", raw[3], 4).astype(int)
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)
    out = []
    for part in ("train", "t10k"):
        x = read(part + "-images-idx3-ubyte.gz")[:, None] / np.float32(255)
        out += [((x - 0.28604) / 0.35302).astype(np.float32), read(part + "-labels-idx1-ubyte.gz").astype(np.int64)]
    return out


def cifar(path):
    from PIL import Image
    mean, std = np.float32([0.4914, 0.4822, 0.4465]), np.float32([0.247, 0.2435, 0.2616])
    found = {"train": [], "test": []}
    with tarfile.open(path) as tar:
        for m in tar:
            if m.name.endswith(".jpg"):
                part, cls, name = m.name.split("/")[-3:]
                found[part].append((name, cls, tar.extractfile(m).read()))
    classes = sorted({c for _, c, _ in found["test"]})
    out = []
    for part in ("train", "test"):
        rows = sorted(found[part])
        x = np.stack([np.asarray(Image.open(io.BytesIO(b)).convert("RGB"), np.float32) for _, _, b in rows])
        out += [np.ascontiguousarray(((x / 255 - mean) / std).transpose(0, 3, 1, 2)), np.array([classes.index(c) for _, c, _ in rows])]
    return out


def conv(cin, cout, size=3, stride=1, groups=1, act=nn.ReLU):
    layers = [nn.Conv2d(cin, cout, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]
    return layers + ([act()] if act else [])


def vgg(cin, widths, hidden, side):
    layers = []
    for w in widths:
        layers += [*conv(cin, w), *conv(w, w), nn.MaxPool2d(2)]
        cin, side = w, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(cin * side * side, hidden), nn.ReLU(), nn.Linear(hidden, 10))


class Residual(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.body = nn.Sequential(*conv(cin, cout, stride=stride), *conv(cout, cout, act=None))
        self.skip = nn.Identity() if cin == cout else nn.Sequential(*conv(cin, cout, 1, stride, act=None))

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


def resnet20():
    layers, cin = conv(3, 16), 16
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        for i in range(3):
            layers.append(Residual(cin, width, stride if i == 0 else 1))
            cin = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def depthwise():
    layers, cin = conv(3, 32, act=nn.ReLU6), 32
    for cout, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        layers += [*conv(cin, cin, 3, stride, cin, nn.ReLU6), *conv(cin, cout, 1, act=nn.ReLU6)]
        cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, 10))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5, -1)
        return self.out((a @ v).transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2, self.attention = nn.LayerNorm(dim), nn.LayerNorm(dim), Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.n1(x))
        return x + self.mlp(self.n2(x))


class Transformer(nn.Module):
    """A vision transformer over 4x4 patches of a grey 28x28 picture."""

    def __init__(self, dim=128, depth=4, heads=4):
        super().__init__()
        self.patch, self.place = nn.Linear(16, dim), nn.Parameter(torch.randn(1, 49, dim) * 0.02)
        self.blocks, self.norm, self.head = nn.Sequential(*[Block(dim, heads) for _ in range(depth)]), nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = x.reshape(-1, 7, 4, 7, 4).permute(0, 1, 3, 2, 4).reshape(-1, 49, 16)
        return self.head(self.norm(self.blocks(self.patch(x) + self.place)).mean(1))


NETS = {
    "fashion-cnn": ("fashion", lambda: vgg(1, (16, 32), 128, 28), 3),
    "cifar-cnn": ("cifar", lambda: vgg(3, (32, 64, 128), 256, 32), 4),
    "resnet20": ("cifar", resnet20, 5),
    "depthwise": ("cifar", depthwise, 5),
    "transformer": ("fashion", Transformer, 4),
}


def train(net, x, y, epochs, seed):
    torch.manual_seed(seed)
    steps = len(x) // 128
    opt = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, 2e-3, epochs * steps)
    for epoch in range(epochs):
        net.train()
        began, order = time.monotonic(), torch.randperm(len(x))
        for step in range(steps):
            pick = order[step * 128:(step + 1) * 128]
            loss = F.cross_entropy(net(x[pick].to(memory_format=torch.channels_last)), y[pick])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            rate.step()
        print(f"  epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True)


def main():
    p = argparse.ArgumentParser(description="Train and export the models of bench_quant.py.")
    p.add_argument("--fashion", required=True)
    p.add_argument("--cifar", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pictures", type=int, default=20000, help="pictures trained on: enough for weights that are no longer random")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("names", nargs="*", default=[], metavar="NAME")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    sets = {}
    for name in args.names or NETS:
        source, make, epochs = NETS[name]
        if source not in sets:
            sets[source] = fashion(args.fashion) if source == "fashion" else cifar(args.cifar)
            tx, ty, ex, ey = sets[source]
            for part, a in (("train", tx[:2048]), ("test", ex), ("test-labels", ey)):
                np.save(os.path.join(args.out, f"{source}-{part}.npy"), a)
        tx, ty, ex, ey = (torch.from_numpy(np.ascontiguousarray(a)) for a in sets[source])
        torch.manual_seed(args.seed)
        net = make()
        print(f"{name}: {sum(w.numel() for w in net.parameters())} parameters", flush=True)
        pick = torch.randperm(len(tx))[:args.pictures]
        train(net, tx[pick], ty[pick], epochs, args.seed)
        net.eval()
        with torch.no_grad():
            right = sum(int((net(b).argmax(1) == t).sum()) for b, t in zip(ex.split(500), ey.split(500)))
        print(f"  test accuracy {100 * right / len(ey):.2f} %", flush=True)
        path = os.path.join(args.out, name + ".onnx")
        torch.onnx.export(net, (ex[:2],), path, opset_version=17, input_names=["x"], output_names=["logits"],
                          dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}}, dynamo=False)


if __name__ == "__main__":
    main()
