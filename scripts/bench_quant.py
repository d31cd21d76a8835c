#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold `kdcompress quantize` against ONNX Runtime's own quantizer.

    python3 scripts/bench_quant.py --kdcompress bin/kdcompress --models DIR [--mnist MODEL IDX] [--work DIR] [NAME...]

DIR is what scripts/train_quant_models.py wrote; MODEL takes MNIST's pictures in
IDX, the test images of MNIST, as (x/255-0.1307)/0.3081. Needs onnx, onnxruntime and
NumPy. Both are given the same 2,048 samples, of which 512 calibrate (ours uses the
others to choose); every model is quantized statically (ours; ONNX Runtime's with its defaults, and with unsigned activations; per channel, after
quant_pre_process) and dynamically. All forms of a model are then measured in one
process: a run of each in turn at batch 1 on one thread, in random order; bytes; and
the share of answers equal to the float model's on samples that calibrated nothing.
"our choice" is what `kdcompress quantize` writes when it is asked for nothing in
particular. With --work the files and the agreement stay in that folder, and a later run
measures latency alone.
"""
import argparse
import gzip
import json
import os
import platform
import random
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as rt
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process

NETS = {"fashion-cnn": "fashion", "cifar-cnn": "cifar", "resnet20": "cifar", "depthwise": "cifar", "transformer": "fashion"}
GIVEN, CALIBRATE = 2048, 512


class Reader(CalibrationDataReader):
    def __init__(self, name, x, batch):
        self.rows = iter([{name: x[i:i + batch]} for i in range(0, len(x), batch)])

    def get_next(self):
        return next(self.rows, None)


def session(path):
    o = rt.SessionOptions()
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    o.log_severity_level = 4
    return rt.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def answers(path, x, batch):
    s = session(path)
    name = s.get_inputs()[0].name
    return np.concatenate([s.run(None, {name: x[i:i + batch]})[0] for i in range(0, len(x), batch)])


def theirs(model, calibrate, batch, folder):
    """Quantize with ONNX Runtime; returns path by form."""
    pre = os.path.join(folder, "pre.onnx")
    quant_pre_process(model, pre, skip_symbolic_shape=True)
    name = session(model).get_inputs()[0].name
    out = {}
    for form, typ in (("their static", QuantType.QInt8), ("their static, u8s8", QuantType.QUInt8)):
        path = os.path.join(folder, form.replace(", ", "-").replace(" ", "-") + ".onnx")
        quantize_static(pre, path, Reader(name, calibrate, batch), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=typ, weight_type=QuantType.QInt8)
        out[form] = path
    out["their dynamic"] = os.path.join(folder, "their-dynamic.onnx")
    quantize_dynamic(pre, out["their dynamic"], per_channel=True, weight_type=QuantType.QInt8)
    return out


def ours(program, model, given, folder):
    data, keep = os.path.join(folder, "given.npy"), os.path.join(folder, "ours")
    np.save(data, given)
    done = subprocess.run([program, "quantize", model, "--data", data, "--out", os.path.join(folder, "out.onnx"), "--keep", keep,
                    "--calibration-samples", str(CALIBRATE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    kept = {"our " + f[:-5].replace("-", " ").replace("int8 ", ""): os.path.join(keep, f) for f in sorted(os.listdir(keep)) if f.startswith("int8")}
    return {"our choice": os.path.join(folder, "out.onnx"), **kept}


def latencies(paths, x, seconds):
    """Median milliseconds of a run at batch 1, all forms in turn."""
    runs = []
    for path in paths:
        s = session(path)
        b = s.io_binding()
        b.bind_cpu_input(s.get_inputs()[0].name, x)
        b.bind_output(s.get_outputs()[0].name)
        runs.append((s, b, []))
    order, end = list(range(len(runs))), time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end or turn < 30:
        random.shuffle(order)
        for i in order:
            s, b, t = runs[i]
            began = time.perf_counter()
            s.run_with_iobinding(b)
            if turn >= 10:
                t.append(1e3 * (time.perf_counter() - began))
        turn += 1
    return [float(np.median(t)) for _, _, t in runs]


def bench(name, model, x, args):
    declared = onnx.load(model).graph.input[0].type.tensor_type.shape.dim[0].dim_value
    batch = declared or 64
    order = np.random.default_rng(args.seed).permutation(len(x))
    given, held = x[np.sort(order[:GIVEN])], x[np.sort(order[GIVEN:GIVEN + args.samples])]
    calibrate = x[np.sort(order[:CALIBRATE])]
    folder = os.path.join(args.work or tempfile.mkdtemp(), name)
    record = os.path.join(folder, "forms.json")
    if not os.path.exists(record):
        os.makedirs(folder, exist_ok=True)
        forms = {"float": model, **ours(args.kdcompress, model, given, folder), **theirs(model, calibrate, batch, folder)}
        want = answers(model, held, batch).argmax(-1)
        agree = {f: float((answers(p, held, batch).argmax(-1) == want).mean()) for f, p in forms.items()}
        with open(record, "w") as f:
            json.dump([forms, agree], f)
    with open(record) as f:
        forms, agree = json.load(f)
    size = {f: os.path.getsize(p) for f, p in forms.items()}
    took = dict(zip(forms, latencies(forms.values(), held[:declared or 1], args.seconds)))
    print(f"\n{name}: {len(held)} samples")
    print(f"  {'form':<22}{'bytes':>10}{'ms':>10}{'x float':>9}{'agreement %':>13}")
    for f in forms:
        print(f"  {f:<22}{size[f]:>10}{took[f]:>10.4f}{took['float'] / took[f]:>9.2f}{100 * agree[f]:>13.2f}", flush=True)


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    p = argparse.ArgumentParser(description="kdcompress quantize against ONNX Runtime's quantizer.")
    p.add_argument("--kdcompress", required=True)
    p.add_argument("--models", required=True)
    p.add_argument("--mnist", nargs=2, metavar=("MODEL", "IDX"))
    p.add_argument("--work", help="folder that keeps the files")
    p.add_argument("--samples", type=int, default=4000)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("names", nargs="*", metavar="NAME")
    args = p.parse_args()
    random.seed(args.seed)
    print("onnxruntime", rt.__version__, "on", processor())
    if args.mnist and (not args.names or "mnist" in args.names):
        with gzip.open(args.mnist[1], "rb") as f:
            x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        bench("mnist", args.mnist[0], ((x / np.float32(255) - 0.1307) / 0.3081).astype(np.float32), args)
    for name in NETS:
        model = os.path.join(args.models, name + ".onnx")
        if (not args.names or name in args.names) and os.path.exists(model):
            bench(name, model, np.load(os.path.join(args.models, NETS[name] + "-test.npy")), args)


if __name__ == "__main__":
    main()
