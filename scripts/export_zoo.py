#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains small teachers for minutes and exports them as people do: PyTorch at opsets 11, 13 and 17, and graphs
written by hand in the manner of sklearn-onnx. scripts/zoo.py distils them.

    export_zoo.py --fashion DIR --digits DIR --out DIR [--samples 8000]

Fashion is Fashion-MNIST's four .gz files, digits UCI's optdigits.tra and .tes. Text comes from Python's own help
topics. Needs torch (2.5 or newer, for the exporter both with and without TorchDynamo), onnx and numpy.
"""
import argparse
import gzip
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--fashion", required=True)
parser.add_argument("--digits", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--samples", type=int, default=8000)
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--only", default="")
args = parser.parse_args()
os.makedirs(args.out, exist_ok=True)
torch.manual_seed(1)
rng = np.random.default_rng(1)


def idx(name):
    with gzip.open(os.path.join(args.fashion, name)) as f:
        b = f.read()
    dims = [int.from_bytes(b[4 + 4 * i:8 + 4 * i], "big") for i in range(b[3])]
    return np.frombuffer(b, np.uint8, offset=4 + 4 * b[3]).reshape(dims)


pictures = torch.tensor(idx("train-images-idx3-ubyte.gz")[: args.samples].astype(np.float32) / 255)[:, None]
classes = torch.tensor(idx("train-labels-idx1-ubyte.gz")[: args.samples].astype(np.int64))


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.a, self.an = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.b, self.bn = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.s = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 or i != o else nn.Identity()

    def forward(self, x):
        y = self.bn(self.b(F.relu(self.an(self.a(x)))))
        return F.relu(y + self.s(x))


class ResNet(nn.Module):
    """Pictures in, pooled features out; head makes answers of them."""

    def __init__(self, head, width=24):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.head = head(4 * width)

    def forward(self, x):
        x = self.blocks(self.stem(x)).mean((2, 3))
        return self.head(x)


class Inverted(nn.Module):
    def __init__(self, i, o, stride, expand=4):
        super().__init__()
        m = i * expand
        self.skip = stride == 1 and i == o
        self.f = nn.Sequential(nn.Conv2d(i, m, 1, bias=False), nn.BatchNorm2d(m), nn.ReLU6(), nn.Conv2d(m, m, 3, stride, 1, groups=m, bias=False),
                               nn.BatchNorm2d(m), nn.ReLU6(), nn.Conv2d(m, o, 1, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return x + self.f(x) if self.skip else self.f(x)


class MobileNet(nn.Module):
    """MobileNetV2 in small, with the normalisation of its pictures in the graph."""

    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(), Inverted(16, 24, 2), Inverted(24, 24, 1),
                               Inverted(24, 48, 2), Inverted(48, 48, 1), nn.Conv2d(48, 160, 1, bias=False), nn.BatchNorm2d(160), nn.ReLU6())
        self.out = nn.Linear(160, 10)

    def forward(self, x):
        x = self.f((x - 0.286) / 0.353)
        return F.softmax(self.out(F.adaptive_avg_pool2d(x, 1).flatten(1)), 1)


class ViT(nn.Module):
    def __init__(self, dim=64, depth=3, heads=4, patch=7):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, patch, patch)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, dim)), nn.Parameter(torch.randn(1, 17, dim) * 0.02)
        self.layers = nn.ModuleList(nn.ModuleDict(dict(n1=nn.LayerNorm(dim), qkv=nn.Linear(dim, 3 * dim), o=nn.Linear(dim, dim), n2=nn.LayerNorm(dim),
                                                       f1=nn.Linear(dim, 2 * dim), f2=nn.Linear(2 * dim, dim))) for _ in range(depth))
        self.norm, self.out, self.heads = nn.LayerNorm(dim), nn.Linear(dim, 10), heads

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], 1) + self.pos
        b, n, d = x.shape
        for l in self.layers:
            q, k, v = l["qkv"](l["n1"](x)).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
            a = torch.softmax(q @ k.transpose(-2, -1) / (d // self.heads) ** 0.5, -1)
            x = x + l["o"]((a @ v).transpose(1, 2).reshape(b, n, d))
            x = x + l["f2"](F.gelu(l["f1"](l["n2"](x))))
        return self.out(self.norm(x)[:, 0])


class Tagger(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.table, self.lstm, self.out = nn.Embedding(128, 32), nn.LSTM(32, hidden, batch_first=True), nn.Linear(hidden, 4)

    def forward(self, x):
        return self.out(self.lstm(self.table(x))[0])


class Two(nn.Module):
    """Two heads: the class, and where the middle of the light is."""

    def __init__(self, n):
        super().__init__()
        self.c, self.m = nn.Linear(n, 10), nn.Linear(n, 2)

    def forward(self, x):
        return F.softmax(self.c(x), 1), self.m(x)


def train(model, x, loss, epochs, rate=3e-3):
    steps = epochs * (len(x) // 64)
    opt = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-4)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, rate, steps)
    model.train()
    for _ in range(epochs):
        for i in torch.randperm(len(x))[: len(x) // 64 * 64].view(-1, 64):
            opt.zero_grad()
            loss(model(x[i]), i).backward()
            opt.step()
            plan.step()
    return model.eval()


def export(model, x, name, opset, outputs, axes=None, **more):
    path = os.path.join(args.out, name + ".onnx")
    axes = axes or {"input": {0: "batch"}, **{o: {0: "batch"} for o in outputs}}
    torch.onnx.export(model, (x,), path, opset_version=opset, input_names=["input"], output_names=outputs, dynamic_axes=axes, dynamo=False, **more)
    print(name, os.path.getsize(path), "bytes")


def wanted(name):
    return not args.only or args.only in name


cross = lambda y, i: F.cross_entropy(y, classes[i])
light = pictures / pictures.sum((2, 3), keepdim=True).clamp_min(1)
place = torch.arange(28.0)
middle = torch.stack([(light.sum(3)[:, 0] * place).sum(1), (light.sum(2)[:, 0] * place).sum(1)], 1)
labels = torch.stack([classes == 9, (classes == 5) | (classes == 7) | (classes == 9), (classes == 0) | (classes == 2) | (classes == 4) | (classes == 6),
                      pictures.mean((1, 2, 3)) > 0.3, middle[:, 0] > 14], 1).float()

if wanted("resnet"):
    m = train(ResNet(lambda n: nn.Linear(n, 10)), pictures, cross, args.epochs)
    export(m, pictures[:2], "resnet-op11-folded", 11, ["logits"])
    export(m, pictures[:2], "resnet-op13-batchnorm", 13, ["logits"], training=torch.onnx.TrainingMode.PRESERVE)
    export(m, pictures[:1], "resnet-op17-batch1", 17, ["logits"], axes={"input": {}})
if wanted("mobilenet"):
    m = train(MobileNet(), pictures, lambda y, i: F.nll_loss(torch.log(y + 1e-8), classes[i]), args.epochs)
    export(m, pictures[:2], "mobilenetv2-op13", 13, ["probabilities"])
if wanted("vit"):
    m = train(ViT(), pictures, cross, 2 * args.epochs, 2e-3)
    export(m, pictures[:2], "vit-op17", 17, ["logits"])
if wanted("two"):
    m = train(ResNet(Two, 16), pictures, lambda y, i: F.nll_loss(torch.log(y[0] + 1e-8), classes[i]) + F.mse_loss(y[1], middle[i]) / 4, args.epochs)
    export(m, pictures[:2], "two-heads-op13", 13, ["class probabilities", "middle"])
if wanted("multilabel"):
    m = train(nn.Sequential(ResNet(lambda n: nn.Linear(n, 5), 16), nn.Sigmoid()), pictures,
              lambda y, i: F.binary_cross_entropy(y, labels[i]), args.epochs)
    export(m, pictures[:2], "multilabel-op11", 11, ["labels"])
if wanted("regression"):
    m = train(ResNet(lambda n: nn.Linear(n, 2), 16), pictures, lambda y, i: F.mse_loss(y, middle[i]), args.epochs)
    export(m, pictures[:2], "regression-op17", 17, ["middle"])
if wanted("embedding"):
    class Embed(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.e, self.c = nn.Linear(n, 32), nn.Linear(32, 10)

        def forward(self, x):
            e = F.normalize(self.e(x), dim=1)
            return self.c(4 * e) if self.training else e

    m = train(ResNet(Embed, 16), pictures, cross, args.epochs)
    export(m, pictures[:2], "embedding-op17", 17, ["embedding"])
if wanted("tagger"):
    from pydoc_data import topics

    text = np.frombuffer("".join(topics.topics[k] for k in sorted(topics.topics)).encode("ascii", "replace"), np.uint8)
    text = text[: len(text) // 32 * 32][: 32 * 6000].reshape(-1, 32).astype(np.int64)
    kind = np.full(128, 3)  # what comes next: a vowel, another letter, a blank, something else
    for c in range(128):
        ch = chr(c).lower()
        kind[c] = 0 if ch in "aeiou" else 1 if ch.isalpha() else 2 if ch.isspace() else 3
    following = torch.tensor(np.concatenate([kind[text[:, 1:]], np.full((len(text), 1), -100)], 1))
    ids = torch.tensor(text)
    m = train(Tagger(), ids, lambda y, i: F.cross_entropy(y.reshape(-1, 4), following[i].reshape(-1)), 4 * args.epochs)
    export(m, ids[:2], "lstm-tagger-op13", 13, ["tags"], axes={"input": {0: "batch", 1: "length"}, "tags": {0: "batch", 1: "length"}})
    np.save(os.path.join(args.out, "text.npy"), text)
    np.save(os.path.join(args.out, "bytes.npy"), text.astype(np.uint8))
if wanted("sklearn"):
    table = np.concatenate([np.loadtxt(os.path.join(args.digits, f), delimiter=",") for f in ("optdigits.tra", "optdigits.hol")
                            if os.path.exists(os.path.join(args.digits, f))]).astype(np.float32)
    x, y = torch.tensor(table[:, :64]), torch.tensor(table[:, 64].astype(np.int64))
    mean, std = x.mean(0), x.std(0).clamp_min(1)
    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))
    train(net, (x - mean) / std, lambda z, i: F.cross_entropy(z, y[i]), 6 * args.epochs)
    w = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    init = [numpy_helper.from_array(a, n) for n, a in [("Su_mean", mean.numpy()), ("Di_std", std.numpy()), ("coefficient", w["0.weight"].T.copy()),
            ("intercept", w["0.bias"]), ("coefficient1", w["2.weight"].T.copy()), ("intercept1", w["2.bias"]), ("coefficient2", w["4.weight"].T.copy()),
            ("intercept2", w["4.bias"]), ("classes", np.array([b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight", b"nine"], object))]]
    nodes, at = [helper.make_node("Sub", ["float_input", "Su_mean"], ["centred"]), helper.make_node("Div", ["centred", "Di_std"], ["variable"])], "variable"
    for i, s in enumerate(["", "1", "2"]):
        nodes += [helper.make_node("MatMul", [at, "coefficient" + s], ["mul" + s]), helper.make_node("Add", ["mul" + s, "intercept" + s], ["add" + s])]
        at = "add" + s
        if i < 2:
            nodes.append(helper.make_node("Relu", [at], ["relu" + s]))
            at = "relu" + s
    nodes += [helper.make_node("Softmax", [at], ["probabilities"], axis=1), helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
              helper.make_node("Gather", ["classes", "best"], ["label"], axis=0)]
    g = helper.make_graph(nodes, "mlp", [helper.make_tensor_value_info("float_input", TensorProto.FLOAT, [None, 64])],
                          [helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
                           helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 10])], init)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 11)], producer_name="skl2onnx-like")
    model.ir_version = 6
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(args.out, "sklearn-mlp-op11.onnx"))
    np.save(os.path.join(args.out, "digits.npy"), table[:, :64])
    print("sklearn-mlp-op11")
