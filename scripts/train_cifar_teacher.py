#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a teacher for CIFAR-10 and export it as ONNX.

    python3 scripts/train_cifar_teacher.py --data TAR --out FILE.onnx

TAR holds the 60,000 pictures as train|test/CLASS/N.jpg. Needs PyTorch, NumPy,
Pillow and onnx. A residual net of nine layers with BatchNorm, on pictures
shifted by up to four pixels and mirrored, with --cutout a square of them blank,
under a one-cycle schedule; --bf16 is faster on processors with bfloat16
instructions. The graph takes "image", float[N,3,32,32], channels normalised by the
means and deviations of train_quant_models.cifar, and gives "logits",
float[N,10]. The test pictures are evaluated once, at the end, and choose nothing.

--start goes on from a model that an earlier call exported. Export folds most of
the BatchNorms away; each gets back the mean and deviation of what it sees on the
first pictures, with the scale and shift that leave the model's answers as they are.
"""
import onnx
import torch
from torch import nn

from train_fashion_teacher import Residual, export, fit, options
from train_quant_models import cifar


def block(i, o, pool=False):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), *([nn.MaxPool2d(2)] if pool else []), nn.BatchNorm2d(o), nn.ReLU())


def resnet9(width, classes=10):
    """The residual net of nine layers that one-cycle training made known, at a width of its own (there 64)."""
    w = width
    return nn.Sequential(block(3, w), block(w, 2 * w, True), Residual(2 * w), block(2 * w, 4 * w, True), block(4 * w, 8 * w, True), Residual(8 * w),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * w, classes))


def start(net, path, x):
    """Take the weights of an exported model, batch statistics from pictures x."""
    graph = onnx.load(path).graph
    weights = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in graph.initializer}
    modules = {m: n for n, m in net.named_modules()}
    convs = iter([n for n in graph.node if n.op_type == "Conv"])
    bias = {}

    def before(m, inputs):
        if isinstance(m, nn.Conv2d):
            node = next(convs)
            m.weight.copy_(weights[node.input[1]])
            bias["last"] = weights[node.input[2]] if len(node.input) > 2 else None
        elif isinstance(m, nn.BatchNorm2d) and bias["last"] is None:
            m.load_state_dict({k: weights[f"{modules[m]}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}, strict=False)
        elif isinstance(m, nn.BatchNorm2d):
            var, mean = torch.var_mean(inputs[0], (0, 2, 3))
            m.running_mean.copy_(mean)
            m.running_var.copy_(var)
            m.weight.copy_((var + m.eps).sqrt())
            m.bias.copy_(mean + bias["last"])
        elif isinstance(m, nn.Linear):
            m.weight.copy_(weights[modules[m] + ".weight"])
            m.bias.copy_(weights[modules[m] + ".bias"])

    hooks = [m.register_forward_pre_hook(before) for m in modules]
    net.eval()
    with torch.no_grad():
        net(x)
    for h in hooks:
        h.remove()


def main():
    p = options()
    p.add_argument("--width", type=int, default=32)
    p.add_argument("--rate", type=float, default=0.4, help="peak learning rate")
    p.add_argument("--cutout", type=int, default=0, help="side of the blank square, in pixels")
    p.add_argument("--start", help="an exported model to go on from")
    a = p.parse_args()
    torch.manual_seed(a.seed)
    x, y, tx, ty = (torch.from_numpy(v) for v in cifar(a.data))
    net = resnet9(a.width)
    if a.start:
        start(net, a.start, x[:2000])
    fit(net, x, y, a.epochs, 4, a.bf16, a.rate, cut=a.cutout)
    export(net, tx, ty, a.out)


if __name__ == "__main__":
    main()
