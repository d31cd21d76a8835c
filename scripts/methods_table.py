#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run kdcompress over losses and seeds and print what came out as a table.

    scripts/methods_table.py losses --teacher T.onnx --train IMAGES --test IMAGES --test-labels LABELS \\
        --student SPEC --work DIR [--rows kd,dkd,...] [--seeds 3] [-- more flags of distill]
    scripts/methods_table.py hinton --teacher T.onnx --mnist DIR --work DIR
    scripts/methods_table.py transfer --teacher T.onnx --mnist DIR --fashion DIR --work DIR

losses is one row a loss: accuracy on the test images at the epoch chosen on
held-out training images without labels, and at the last epoch; the mean over the
seeds with its 95 % interval (Student's t), or with one seed Wilson's interval over
the images. "hard" and "labels" are the controls: the same student on the classes
the teacher chooses, and on the true ones (with --train-labels; "folder" where
pictures lie in folders that are classes). Where the folder has runs of "hard" from
the same seeds, the last column is the difference at the last epoch, seed by seed.

hinton is the experiment of Hinton, Vinyals & Dean 2015 on MNIST: a student of
784-800-800-10 distilled without a label, the same from labels alone, and one that
never sees a 3, before and after --fix-bias. The teacher is that of
scripts/train_mlp_teacher.py.

transfer distils a teacher of MNIST on pictures of Fashion-MNIST and on noise, with
and without --balance, beside MNIST itself: uniform noise, and that of --data noise:N.

A run whose report lies in --work already is not run again. Needs Python 3 alone.
"""
import argparse
import gzip
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys

ROWS = {
    "labels": ["--loss", "ce"],
    "hard": ["--loss", "hard"],
    "kd": ["--loss", "kd"],
    "kd-std": ["--loss", "kd-std"],
    "dkd": ["--loss", "dkd"],
    "dist": ["--loss", "dist"],
    "nkd": ["--loss", "nkd"],
    "mse-logits": ["--loss", "mse-logits"],
    "kd+fitnet": ["--loss", "kd", "--feature", "fitnet:auto"],
    "kd+at": ["--loss", "kd", "--feature", "at:auto"],
    "kd+vid": ["--loss", "kd", "--feature", "vid"],
    "kd+ofd": ["--loss", "kd", "--feature", "ofd"],
    "kd+reviewkd": ["--loss", "kd", "--feature", "reviewkd"],
    "simkd": ["--loss", "none", "--feature", "simkd"],
    "kd+rkd": ["--loss", "kd", "--relation", "rkd"],
    "kd+sp": ["--loss", "kd", "--relation", "sp:auto"],
    "kd+pkt": ["--loss", "kd", "--relation", "pkt:auto"],
    "kd+cc": ["--loss", "kd", "--relation", "cc:auto"],
    "kd+nst": ["--loss", "kd", "--relation", "nst:auto"],
}
# Student's t at 97.5 % by degrees of freedom.
T975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def run(args, out, flags):
    """Distil into a folder and return its report."""
    if not os.path.exists(os.path.join(out, "report.json")):
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "log"), "w") as log:
            subprocess.run([args.kdcompress, "distill", "--out", out, *flags, *args.more], stdout=log, stderr=log, check=True)
    return report(out)


def report(out):
    with open(os.path.join(out, "report.json")) as f:
        return json.load(f)


def wilson(p, n):
    z = 1.959964
    centre, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def student_t(values):
    """Mean of two values or more, and its interval."""
    mean = sum(values) / len(values)
    half = T975[len(values) - 1] * math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
    return mean, mean - half, mean + half


def interval(values, n):
    """Mean and interval, in percent."""
    mean, lo, hi = student_t(values) if len(values) > 1 else (values[0], *wilson(values[0], n))
    return f"{100 * mean:.2f} [{100 * lo:.2f}, {100 * hi:.2f}]"


def over(args, name, last):
    """Mean difference to the control "hard" from the same seeds, in points, with its interval where there are several."""
    controls = [os.path.join(args.work, f"hard-{seed}") for seed in range(1, len(last) + 1)]
    if name == "hard" or not all(os.path.exists(os.path.join(c, "report.json")) for c in controls):
        return ""
    d = [100 * (accuracy - report(c)["accuracy"]["student_last_epoch"]) for accuracy, c in zip(last, controls)]
    if len(d) == 1:
        return f"{d[0]:+.2f}"
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*student_t(d))


def losses(args):
    rows = args.rows.split(",") if args.rows else [r for r in ROWS if r != "labels" or args.train_labels]
    print("| loss | seeds | accuracy %, chosen epoch | accuracy %, last epoch | agreement % | points over hard |\n|---|---|---|---|---|---|")
    for name in rows:
        best, last, agree, n = [], [], [], 0
        for seed in range(1, args.seeds + 1):
            flags = ["--teacher", args.teacher, "--data", args.train, "--eval", args.test, "--eval-labels", args.test_labels,
                     "--student", args.student, "--seed", str(seed), "--targets", os.path.join(args.work, "targets")]
            if name == "labels":
                flags += ["--labels", args.train_labels]
            r = run(args, os.path.join(args.work, f"{name}-{seed}"), flags + ROWS.get(name, ["--loss", name]))
            a = r["accuracy"]
            best.append(a["student"])
            last.append(a["student_last_epoch"])
            agree.append(r["fidelity"]["agreement"])
            n = a["samples"]
        print(f"| {name} | {args.seeds} | {interval(best, n)} | {interval(last, n)} | {interval(agree, n)} | {over(args, name, last)} |", flush=True)
    print(f"\nteacher {100 * a['teacher']:.2f} %, student {r['student']['params']:,} parameters")


def idx(path):
    with gzip.open(path, "rb") as f:
        raw = f.read()
    dims = struct.unpack(">%dI" % raw[3], raw[4:4 + 4 * raw[3]])
    return dims, raw[4 + 4 * raw[3]:]


def write_idx(path, dims, data):
    with gzip.open(path, "wb", compresslevel=1) as f:
        f.write(bytes([0, 0, 8, len(dims)]) + struct.pack(">%dI" % len(dims), *dims) + data)


def mnist(args, name):
    return os.path.join(args.mnist, name)


def errors(r, key="student"):
    a = r["accuracy"]
    return round((1 - a[key]) * a["samples"])


MNIST_FLAGS = ["--mean", "0.1307", "--std", "0.3081"]


def hinton(args):
    os.makedirs(args.work, exist_ok=True)
    train, labels = mnist(args, "train-images-idx3-ubyte.gz"), mnist(args, "train-labels-idx1-ubyte.gz")
    base = ["--teacher", args.teacher, "--eval", mnist(args, "t10k-images-idx3-ubyte.gz"), "--eval-labels",
            mnist(args, "t10k-labels-idx1-ubyte.gz"), "--student", "mlp:width=800,depth=2", "--lr", "1e-3", *MNIST_FLAGS]
    moved = ["--augment", "crop:2", "--epochs", str(args.epochs), "--batch", "256", "--ema", "0.999"]
    kd, ce = ["--loss", "kd:temperature=4", *moved], ["--labels", labels, "--loss", "ce"]
    without, few = os.path.join(args.work, "without3.gz"), os.path.join(args.work, "few.gz")
    if not os.path.exists(without):
        dims, x = idx(train)
        _, y = idx(labels)
        keep = [i for i, c in enumerate(y) if c != 3]
        write_idx(without, (len(keep), 28, 28), b"".join(x[784 * i:784 * i + 784] for i in keep))
        some = random.Random(1).sample(range(len(y)), 2000)
        write_idx(few, (len(some), 28, 28), b"".join(x[784 * i:784 * i + 784] for i in some))
    rows = [
        ("distilled, no label, moved by up to 2 pixels", [*base, "--data", train, *kd]),
        ("distilled, no label, images as they are", [*base, "--data", train, "--loss", "kd:temperature=20", "--epochs", "30"]),
        ("labels alone, images as they are", [*base, "--data", train, *ce, "--epochs", "12"]),
        ("distilled without a 3, moved by up to 2 pixels", [*base, "--data", without, *kd]),
        ("the same, biases fitted on 2,000 unlabelled images", [*base, "--data", without, *kd, "--fix-bias", "--bias-data", few]),
        ("the same, biases fitted on 60,000", [*base, "--data", without, *kd, "--fix-bias", "--bias-data", train]),
        ("labels alone, moved by up to 2 pixels", [*base, "--data", train, *ce, *moved]),
    ]
    print("| student 784-800-800-10 | test errors, chosen epoch | last epoch |\n|---|---|---|")
    for i, (name, flags) in enumerate(rows):
        if args.only and str(i) not in args.only.split(","):
            continue
        out = os.path.join(args.work, f"hinton-{i}")
        if "--fix-bias" in flags:  # goes on from the student trained without a 3
            for part in ("checkpoint", "targets"):
                shutil.copytree(os.path.join(args.work, "hinton-3", part), os.path.join(out, part), dirs_exist_ok=True)
            flags.append("--resume")
        r = run(args, out, flags)
        print(f"| {name} | {errors(r)} | {errors(r, 'student_last_epoch')} |", flush=True)
    print(f"\nteacher {errors(r, 'teacher')} errors of {r['accuracy']['samples']}")


def transfer(args):
    os.makedirs(args.work, exist_ok=True)
    noise = os.path.join(args.work, "noise.gz")
    if not os.path.exists(noise):
        write_idx(noise, (args.noise, 28, 28), random.Random(1).randbytes(784 * args.noise))
    base = ["--teacher", args.teacher, "--eval", mnist(args, "t10k-images-idx3-ubyte.gz"), "--eval-labels",
            mnist(args, "t10k-labels-idx1-ubyte.gz"), "--student", args.student, "--loss", "kd:temperature=8", *MNIST_FLAGS]
    fashion = os.path.join(args.fashion, "train-images-idx3-ubyte.gz")
    rows = [("MNIST", mnist(args, "train-images-idx3-ubyte.gz"), []), ("Fashion-MNIST", fashion, []),
            ("Fashion-MNIST, balanced and mixed", fashion, ["--balance", "--augment", "crop:2,mixup"]),
            ("uniform noise", noise, []), ("uniform noise, balanced", noise, ["--balance"]),
            ("noise of all sizes", f"noise:{args.noise}", []),
            ("noise of all sizes, balanced", f"noise:{args.noise}", ["--balance"])]
    print("| transfer set | entropy of the teacher's classes | accuracy %, chosen epoch | last epoch |\n|---|---|---|---|")
    for i, (name, data, flags) in enumerate(rows):
        if args.only and str(i) not in args.only.split(","):
            continue
        r = run(args, os.path.join(args.work, f"transfer-{i}"), [*base, "--data", data, *flags])
        a = r["accuracy"]
        print(f"| {name} | {r['transfer_set']['classes']['normalised_entropy']:.2f} | {interval([a['student']], a['samples'])} | "
              f"{interval([a['student_last_epoch']], a['samples'])} |", flush=True)
    print(f"\nteacher {100 * a['teacher']:.2f} %")


def main():
    argv, more = sys.argv[1:], []
    if "--" in argv:
        at = argv.index("--")
        argv, more = argv[:at], argv[at + 1:]
    p = argparse.ArgumentParser(description="Tables of what losses and recipes bring.")
    p.add_argument("what", choices=["losses", "hinton", "transfer"])
    p.add_argument("--kdcompress", default="bin/kdcompress")
    p.add_argument("--teacher", required=True)
    p.add_argument("--work", required=True, help="folder of the runs")
    p.add_argument("--train")
    p.add_argument("--train-labels")
    p.add_argument("--test")
    p.add_argument("--test-labels")
    p.add_argument("--student", default="convnet:width=16,depth=3")
    p.add_argument("--rows", help="losses to run, of " + ", ".join(ROWS) + ", or as --loss takes them, such as dkd:beta=1")
    p.add_argument("--only", help="numbers of the rows to run, from 0")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=100, help="of hinton, where images are moved")
    p.add_argument("--noise", type=int, default=20000)
    p.add_argument("--mnist")
    p.add_argument("--fashion")
    args = p.parse_args(argv)
    args.more = more
    {"losses": losses, "hinton": hinton, "transfer": transfer}[args.what](args)


if __name__ == "__main__":
    main()
