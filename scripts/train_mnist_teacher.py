#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Train the MNIST teacher of models/ and export it as ONNX.

    /usr/bin/python3 scripts/train_mnist_teacher.py --data DIR --out FILE.onnx

DIR holds the four gzip-compressed IDX files of MNIST. Needs PyTorch, NumPy
and onnx (Debian 12: python3-torch, python3-numpy, python3-onnx).

The epoch is chosen on 5,000 of the training images, which are never trained
on; the test images are evaluated once, at the end, and choose nothing. BatchNorm is folded into the
convolutions by the export. The graph takes "image", float[N,1,28,28], each
pixel (x/255 - 0.1307) / 0.3081, and gives "probabilities", float[N,10].
The weights depend on --seed, --epochs, --threads and the PyTorch build.
"""
import argparse
import gzip
import hashlib
import math
import os
import time
import zlib

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = 0.1307, 0.3081
HELD_OUT, BATCH, PEAK_LR, MAX_BYTES = 5000, 128, 3e-3, 5_000_000


def read_idx(path):
    """Return the uint8 array of a gzip-compressed IDX file."""
    try:
        with gzip.open(path, "rb") as f:
            raw = f.read()
    except (OSError, EOFError, zlib.error) as err:
        raise SystemExit(f"{path}: {getattr(err, 'strerror', None) or err}")
    if raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        raise SystemExit(f"{path}: not an IDX file of unsigned bytes")
    dims = np.frombuffer(raw, ">u4", raw[3], 4).astype(int)
    head = 4 + 4 * raw[3]
    if len(raw) - head != dims.prod():
        raise SystemExit(f"{path}: {len(raw) - head} bytes of data, but the header declares {dims.prod()}")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(dims)


def load(folder, part):
    """Return images float[n,1,28,28] in 0..1 and labels int64[n]."""
    images = read_idx(os.path.join(folder, part + "-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(folder, part + "-labels-idx1-ubyte.gz"))
    return (torch.from_numpy(images / np.float32(255)).unsqueeze(1),
            torch.from_numpy(labels.astype(np.int64)))


def normalise(x):
    return (x - MEAN) / STD


def augment(x):
    """Turn each image by up to 10 degrees, scale it by up to 10 % and shift it by up to 2 px."""
    n, half = len(x), x.shape[-1] / 2
    angle, size, dx, dy = (torch.rand(4, n) * 2 - 1).unbind()
    angle, size = angle * math.radians(10), 1 + size * 0.1
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    theta = torch.stack([cos, -sin, dx * 2 / half, sin, cos, dy * 2 / half], 1)
    grid = F.affine_grid(theta.view(n, 2, 3), x.shape, align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


class Dense(nn.Linear):
    """A linear layer that trains as a 1x1 convolution, several times faster where PyTorch has no tuned BLAS."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        return F.conv2d(x[:, :, None, None], self.weight[:, :, None, None], self.bias).flatten(1)


def teacher():
    """Five 3x3 convolutions and two dense layers; returns logits."""
    def conv(cin, cout):
        return [nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(True)]
    return nn.Sequential(
        *conv(1, 32), *conv(32, 32), nn.MaxPool2d(2),
        *conv(32, 64), *conv(64, 64), nn.MaxPool2d(2),
        *conv(64, 128), nn.Flatten(), nn.Dropout(0.5),
        Dense(128 * 7 * 7, 160), nn.ReLU(), nn.Dropout(0.25), nn.Linear(160, 10))


@torch.no_grad()
def evaluate(net, x, y):
    """Return the number of errors and the mean cross-entropy; x in 0..1."""
    net.eval()
    z = torch.cat([net(normalise(b)) for b in x.split(500)])
    return int((z.argmax(1) != y).sum()), float(F.cross_entropy(z, y))


def train(net, x, y, epochs):
    """Train on all but HELD_OUT images and leave in net its best epoch's weights."""
    order = torch.randperm(len(x))
    held, rest = order[:HELD_OUT], order[HELD_OUT:]
    steps = len(rest) // BATCH
    opt = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, PEAK_LR, epochs * steps)
    best = None
    for epoch in range(1, epochs + 1):
        net.train()
        start, total = time.monotonic(), 0.0
        shuffled = rest[torch.randperm(len(rest))]
        for step in range(steps):
            pick = shuffled[step * BATCH:(step + 1) * BATCH]
            loss = F.cross_entropy(net(normalise(augment(x[pick])).to(memory_format=torch.channels_last)), y[pick])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            rate.step()
            total += loss.item()
        score = evaluate(net, x[held], y[held])
        print(f"epoch {epoch}/{epochs}: train loss {total / steps:.4f}, held-out errors {score[0]}"
              f"/{HELD_OUT}, loss {score[1]:.4f}, {time.monotonic() - start:.0f} s", flush=True)
        if best is None or score < best[0]:
            best = score, epoch, {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(best[2])
    print(f"epoch chosen: {best[1]}")


def export(net, path):
    """Write net with a closing Softmax to path; the file appears only when it has passed the checks."""
    part = path + ".part"
    torch.onnx.export(nn.Sequential(*net, nn.Softmax(1)).eval(), torch.zeros(1, 1, 28, 28), part,
                      opset_version=13, input_names=["image"], output_names=["probabilities"],
                      dynamic_axes={"image": {0: "N"}, "probabilities": {0: "N"}})
    model = onnx.load(part)
    onnx.checker.check_model(model, full_check=True)
    if os.path.getsize(part) > MAX_BYTES:
        raise SystemExit(f"{part}: larger than {MAX_BYTES} bytes")
    os.replace(part, path)
    return model


def facts(model, path):
    """Print what the card of the model states. Shapes are those at batch 1."""
    weights = {t.name: t for t in model.graph.initializer}
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
              for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    macs = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            area = math.prod(shapes[node.output[0]][2:])
            macs += area * math.prod(weights[node.input[1]].dims)
    with open(path, "rb") as f:
        data = f.read()
    print("operators:", " ".join(n.op_type for n in model.graph.node))
    print("ir version:", model.ir_version, "opset:", model.opset_import[0].version)
    print("parameters:", sum(math.prod(t.dims) for t in weights.values()))
    print("multiply-adds per image:", macs)
    print("bytes:", len(data))
    print("sha256:", hashlib.sha256(data).hexdigest())


def main():
    p = argparse.ArgumentParser(description="Train the MNIST teacher and export it as ONNX.")
    p.add_argument("--data", required=True, help="folder with the four IDX .gz files of MNIST")
    p.add_argument("--out", required=True, help="ONNX file to write")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    if not os.access(os.path.dirname(args.out) or ".", os.W_OK):
        p.error(f"--out {args.out}: its folder is missing or cannot be written")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)

    training, (x, y) = load(args.data, "train"), load(args.data, "t10k")
    net = teacher().to(memory_format=torch.channels_last)
    train(net, *training, args.epochs)
    facts(export(net, args.out), args.out)
    errors, _ = evaluate(net, x, y)
    print(f"test errors: {errors} of {len(y)}, accuracy {100 - 100 * errors / len(y):.2f} %")


if __name__ == "__main__":
    main()
