#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Distils many teachers with small budgets and prints what came of it as a Markdown table (docs/teachers.md).

    zoo.py --kdcompress bin/kdcompress --teachers DIR --data DIR --zoo DIR --mnist DIR --work DIR [--only NAME]

Teachers is the folder of other people's files, zoo the one that export_zoo.py wrote (with wine.npy, the 13 columns of
the wine table as float32, where that is wanted), data holds Fashion-MNIST,
CIFAR-10 and the gesture table, mnist MNIST's four files. A teacher whose files are missing is left out by name.
Every run has few samples and epochs: the table shows that a teacher is accepted and what kind of result to expect, not
what a long training reaches.
"""
import argparse
import json
import os
import subprocess

parser = argparse.ArgumentParser()
for name in ("kdcompress", "teachers", "data", "zoo", "mnist", "work"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--only", default="")
args = parser.parse_args()

mnist = os.path.join(args.mnist, "train-images-idx3-ubyte.gz")
fashion = os.path.join(args.data, "fashion-mnist", "train-images-idx3-ubyte.gz")
pictures = ["--data", fashion, "--limit", "6000", "--epochs", "12", "--lr", "0.004"]
bytes_ = os.path.join(args.zoo, "bytes.npy")

RUNS = [  # name, file, what goes in and out, flags
    ("mnist-burn", "t:mnist-burn.onnx", "classes (LogSoftmax), batch of 1 declared", ["--data", mnist, "--mean", "0.1307", "--std", "0.3081", "--limit", "6000", "--epochs", "12", "--lr", "0.004"]),
    ("mnist-12", "t:mnist-12.onnx", "classes, batch of 1 in a Reshape", ["--data", mnist, "--scale", "1", "--limit", "6000", "--epochs", "12", "--lr", "0.004"]),
    ("mnist-12-fp16", "t:mnist-12-fp16.onnx", "the same in float16", ["--data", mnist, "--scale", "1", "--limit", "6000", "--epochs", "12", "--lr", "0.004"]),
    ("gesture-keypoint", "t:gesture-keypoint.onnx", "class ids alone (ArgMax)", ["--data", os.path.join(args.data, "gesture", "keypoint.csv"), "--labels", "column:0"]),
    ("tract-lgbm-classifier", "t:tract-lgbm-classifier.onnx", "class ids and probabilities, trees as tensors", ["--data", os.path.join(args.zoo, "wine.npy"), "--epochs", "60"]),
    ("superres", "t:superres.onnx", "picture to picture, 3 times as large", ["--data", os.path.join(args.data, "cifar10-jpeg.tar"), "--channels", "gray", "--height", "224", "--width", "224", "--limit", "24", "--batch", "2", "--epochs", "8", "--lr", "0.004", "--student", "fcn:width=8,depth=2"]),
    ("tract-bidi-lstm-bytes", "t:tract-bidi-lstm-bytes.onnx", "two classes at every byte, any length", ["--data", bytes_, "--epochs", "20", "--lr", "0.004", "--student", "tcn:width=32,depth=4"]),
    ("silero-vad", "t:silero-vad.onnx", "speech, a state from call to call", ["--data", bytes_]),
    ("resnet, opset 11, BatchNorm folded", "z:resnet-op11-folded.onnx", "classes", pictures),
    ("resnet, opset 13, BatchNorm kept", "z:resnet-op13-batchnorm.onnx", "classes", pictures),
    ("resnet, opset 17, batch of 1", "z:resnet-op17-batch1.onnx", "classes", pictures),
    ("MobileNetV2 in small, opset 13", "z:mobilenetv2-op13.onnx", "classes (Softmax), normalisation in the graph", pictures),
    ("ViT in small, opset 17", "z:vit-op17.onnx", "classes", pictures),
    ("LSTM tagger, opset 13", "z:lstm-tagger-op13.onnx", "four classes at every token, any length", ["--data", os.path.join(args.zoo, "text.npy"), "--epochs", "10", "--lr", "0.004", "--student", "tcn:width=24,depth=3"]),
    ("MLP as of sklearn-onnx, opset 11", "z:sklearn-mlp-op11.onnx", "names of classes and probabilities, scaler in the graph", ["--data", os.path.join(args.zoo, "digits.npy"), "--epochs", "60", "--lr", "0.004"]),
    ("two heads, opset 13", "z:two-heads-op13.onnx", "classes and two numbers", pictures),
    ("labels, opset 11", "z:multilabel-op11.onnx", "five yes-or-no answers (Sigmoid)", pictures),
    ("regression, opset 17", "z:regression-op17.onnx", "two numbers", pictures + ["--task", "regress"]),
    ("embedding, opset 17", "z:embedding-op17.onnx", "32 numbers of length one", pictures),
]


def measured(f):
    name = f.get("measure", "agreement")
    v, ci = f["agreement"], f["agreement_ci95"]
    if name in ("agreement", "label agreement"):
        return f"{name} {100 * v:.2f}% [{100 * ci[0]:.2f}, {100 * ci[1]:.2f}]"
    return f"{name} {v:.4f} [{ci[0]:.4f}, {ci[1]:.4f}]"


print("| teacher | answers | student | bytes | latency | agreement on held-out inputs | contract |")
print("|---|---|---|---|---|---|---|", flush=True)
for name, file, what, flags in RUNS:
    if args.only and args.only not in name:
        continue
    path = os.path.join(args.teachers if file[0] == "t" else args.zoo, file[2:])
    data = flags[flags.index("--data") + 1]
    if not (os.path.exists(path) and os.path.exists(data)):
        print(f"| {name} | {what} | left out: its files are not there | | | | |", flush=True)
        continue
    out = os.path.join(args.work, file[2:].removesuffix(".onnx"))
    os.makedirs(out, exist_ok=True)
    run = subprocess.run([args.kdcompress, "distill", "--teacher", path, "--out", out, *flags], capture_output=True, text=True)
    if run.returncode not in (0, 3):
        why = run.stderr.strip().splitlines()[-1].removeprefix("kdcompress: ").replace(path, os.path.basename(path))
        print(f"| {name} | {what} | refused: {why} | | | | |", flush=True)
        continue
    with open(os.path.join(out, "report.json")) as f:
        r = json.load(f)
    sets = [r["fidelity"], *r.get("fidelity_sets", [])]
    fidelity = "; ".join((f"`{s['output']}`: " if s.get("output") else "") + measured(s) for s in sets)
    student = json.loads(json.dumps(r["config"])).get("Student", "") if r.get("config") else ""
    small = r["teacher"]["bytes"] / r["student"]["bytes"]
    fast = r["ratio"].get("latency_p50", 0)
    runs = len(r["contract"].get("runs", []))
    kept = f"holds, {runs} runs" if r["contract"]["ok"] else "BROKEN"
    print(f"| {name} | {what} | `{student}` | {r['teacher']['bytes']:,} → {r['student']['bytes']:,} ({small:.1f}x) | {fast:.1f}x | {fidelity} | {kept} |", flush=True)
