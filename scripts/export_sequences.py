#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Export sequence nets as PyTorch writes them, and what five steps of SGD do to them.

    python scripts/export_sequences.py --out student/engine/testdata/torch

Beside every NAME.onnx stands NAME.json: a batch, and the losses of five steps on it,
the mean over samples and outputs of the squared outputs. Needs PyTorch and onnx.
"""
import argparse
import json
import os
import warnings

import torch
from torch import nn

FEATURES, STEPS, BATCH, RATE = 6, 7, 4, 0.1


class Lstm(nn.Module):
    """Two bidirectional layers, and the last step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.last = nn.LSTM(FEATURES, 5, num_layers=2, batch_first=True, bidirectional=True), nn.Linear(10, 3)

    def forward(self, x):
        return self.last(self.lstm(x)[0][:, -1])


class Gru(nn.Module):
    """The final state of a layer."""

    def __init__(self):
        super().__init__()
        self.gru, self.last = nn.GRU(FEATURES, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(self.gru(x)[1][-1])


class Encoder(nn.Module):
    """A transformer layer that reads its steps first."""

    def __init__(self):
        super().__init__()
        self.first, self.layer, self.last = nn.Linear(FEATURES, 8), nn.TransformerEncoderLayer(8, 2, 16, dropout=0), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.layer(self.first(x).transpose(0, 1)).mean(0))


class Attention(nn.Module):
    """Attention of two heads, samples first."""

    def __init__(self):
        super().__init__()
        self.first, self.heads, self.last = nn.Linear(FEATURES, 8), nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        y = self.first(x)
        return self.last(self.heads(y, y, y, need_weights=False)[0].mean(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder for the files")
    out = parser.parse_args().out
    warnings.filterwarnings("ignore")
    for i, cls in enumerate((Lstm, Gru, Encoder, Attention)):
        torch.manual_seed(i)
        net, x = cls().train(), torch.randn(BATCH, STEPS, FEATURES)
        path = os.path.join(out, cls.__name__.lower())
        axes = {"x": {0: "N"}, "y": {0: "N"}}
        torch.onnx.export(net, (x[:2],), path + ".onnx", input_names=["x"], output_names=["y"], dynamic_axes=axes, dynamo=False,
                          opset_version=17, training=torch.onnx.TrainingMode.TRAINING)
        net, losses = net.double().train(), []
        sgd = torch.optim.SGD(net.parameters(), lr=RATE)
        for _ in range(5):
            sgd.zero_grad()
            loss = net(x.double()).square().mean()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        with open(path + ".json", "w") as f:
            json.dump({"torch": torch.__version__, "x": [round(v, 7) for v in x.flatten().tolist()], "losses": losses}, f)
            f.write("\n")
        print(path, os.path.getsize(path + ".onnx"), "bytes, losses", *(f"{v:.6f}" for v in losses))


if __name__ == "__main__":
    main()
