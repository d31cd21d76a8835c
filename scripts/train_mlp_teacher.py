#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Train the teacher of Hinton, Vinyals & Dean 2015 on MNIST and export it.

    scripts/train_mlp_teacher.py --data DIR --out FILE.onnx

784-1200-1200-10 with ReLU, dropout and a bound on the weights' norm, on inputs
that are shifted by up to two pixels; turning and scaling by a little is added,
which lets 40 epochs stand for the paper's many. The last --finish epochs run
without dropout at a small rate; --start FILE.onnx goes on from weights that an
earlier run exported, to --epochs more with dropout and to those. DIR holds the
four gzip-compressed IDX files of MNIST. Needs PyTorch, NumPy and onnx.

The last epoch is taken: no image chooses anything, and the test images are
looked at once. The graph takes "image", float[N,1,28,28], each pixel
(x/255 - 0.1307) / 0.3081, and gives "logits", float[N,10].
"""
import argparse
import os
import sys
import time

import onnx
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train_mnist_teacher import augment, evaluate, load, normalise  # noqa: E402

BATCH, MAX_NORM = 128, 3.5


def teacher(width):
    """Two hidden layers; returns logits."""
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(784, width), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 10))


def train(net, x, y, epochs, peak, dropout):
    """Train for some epochs, the rate rising to its peak and falling to nothing."""
    for m in net:
        if isinstance(m, nn.Dropout):
            m.p = m.p if dropout else 0
    steps = len(x) // BATCH
    opt = torch.optim.Adam(net.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, peak, epochs * steps, pct_start=0.1)
    hidden = [m for m in net if isinstance(m, nn.Linear)][:-1]
    for epoch in range(1, epochs + 1):
        net.train()
        start, total = time.monotonic(), 0.0
        order = torch.randperm(len(x))
        for step in range(steps):
            pick = order[step * BATCH:(step + 1) * BATCH]
            loss = F.cross_entropy(net(normalise(augment(x[pick]))), y[pick])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            rate.step()
            total += loss.item()
            with torch.no_grad():
                for m in hidden:
                    m.weight.mul_((MAX_NORM / m.weight.norm(dim=1, keepdim=True)).clamp(max=1))
        print(f"epoch {epoch}/{epochs}: train loss {total / steps:.4f}, {time.monotonic() - start:.0f} s", flush=True)


def start(net, path):
    """Take the weights of an exported model."""
    weights = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    net.load_state_dict(weights)


def export(net, path):
    """Write net to path; the file appears only when it is whole."""
    part = path + ".part"
    net.eval()
    torch.onnx.export(net, (torch.zeros(1, 1, 28, 28),), part, opset_version=17, dynamo=False,
                      input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})
    os.replace(part, path)


def main():
    p = argparse.ArgumentParser(description="Train the 784-1200-1200-10 teacher on MNIST and export it as ONNX.")
    p.add_argument("--data", required=True, help="folder with the four IDX .gz files of MNIST")
    p.add_argument("--out", required=True, help="ONNX file to write")
    p.add_argument("--width", type=int, default=1200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, help="epochs with dropout: 40, or none from --start")
    p.add_argument("--rate", type=float, default=1e-3, help="their peak learning rate")
    p.add_argument("--finish", type=int, default=4, help="epochs without dropout at the end")
    p.add_argument("--finish-rate", type=float, default=1e-4, help="their peak learning rate")
    p.add_argument("--start", help="an exported model to go on from")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    (x, y), test = load(args.data, "train"), load(args.data, "t10k")
    net = teacher(args.width)
    if args.start:
        start(net, args.start)
    epochs = args.epochs if args.epochs is not None else 0 if args.start else 40
    if epochs:
        train(net, x, y, epochs, args.rate, True)
    train(net, x, y, args.finish, args.finish_rate, False)
    errors, _ = evaluate(net, *test)
    export(net, args.out)
    print(f"test errors: {errors} of {len(test[1])}")


if __name__ == "__main__":
    main()
