#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write what PyTorch makes of every loss: compress/loss/testdata/vectors.json.

    scripts/loss_vectors.py --out compress/loss/testdata/vectors.json

Values and gradients with respect to the student's tensors, in float64. The
formulas are written here from the papers and the published code, with PyTorch's
own building blocks; the Go fragments are not consulted. Inputs and projector
weights are formulas of their indices, which the Go test repeats: see signal and
fill. Needs PyTorch.
"""
import argparse
import json
import math

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def signal(batch, shape, teacher, salt=0.0):
    """A tensor [batch, *shape]: waves over the sample's number b and the element's i."""
    n = math.prod(shape)
    rows = []
    for b in range(batch):
        if teacher:
            rows.append([1.2 * math.cos(0.5 + salt + 0.9 * b + 0.7 * i + 0.07 * b * i) for i in range(n)])
        else:
            rows.append([math.sin(1 + salt + 0.7 * b + 1.3 * i + 0.11 * b * i) for i in range(n)])
    return torch.tensor(rows).reshape(batch, *shape)


class Projector:
    """Weights in the order in which a fragment makes them; number k counts them."""

    def __init__(self):
        self.k = 0

    def fill(self, *shape, offset=0.0):
        n = math.prod(shape)
        v = torch.tensor([((7 * i + 5 * self.k) % 11) / 11 - 0.45 + offset for i in range(n)]).float().double()
        self.k += 1
        return v.reshape(*shape)

    def bn(self, x, c):
        scale, shift = self.fill(c, offset=1), self.fill(c)
        self.k += 2  # running mean and variance, unused in training
        return F.batch_norm(x, None, None, scale, shift, True, 0.1, 1e-5)

    def conv(self, x, cout, size=1, stride=1):
        return F.conv2d(x, self.fill(cout, x.shape[1], size, size), None, stride, size // 2)

    def linear(self, x, out, bias=True):
        w = self.fill(out, x.shape[1])
        return F.linear(x, w, self.fill(out) if bias else None)


# Response losses: s and t are logits [B, C]; the class is the teacher's choice.

def kl(t, s, temperature):
    return temperature**2 * F.kl_div(F.log_softmax(s / temperature, 1), F.log_softmax(t / temperature, 1),
                                     reduction="batchmean", log_target=True)


def kd_std(s, t):
    def z(x):
        return (x - x.mean(1, keepdim=True)) / (1e-7 + x.std(1, keepdim=True))
    return kl(z(t), z(s), 2)


def dkd(s, t, alpha=1, beta=8, temp=4):
    y = t.argmax(1)
    hot = F.one_hot(y, t.shape[1]).bool()
    ps, pt = F.softmax(s / temp, 1), F.softmax(t / temp, 1)
    def two(p):
        return torch.stack([p[hot], 1 - p[hot]], 1)
    tckd = F.kl_div(two(ps).log(), two(pt), reduction="batchmean") * temp**2
    others = kl(t[~hot].reshape(len(t), -1), s[~hot].reshape(len(t), -1), temp)
    return alpha * tckd + beta * others


def pearson(a, b):
    return F.cosine_similarity(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True), eps=1e-8)


def dist(s, t, tau=4):
    ys, yt = F.softmax(s / tau, 1), F.softmax(t / tau, 1)
    inter = 1 - pearson(ys, yt).mean()
    intra = 1 - pearson(ys.T, yt.T).mean()
    return tau**2 * (inter + intra)


def nkd(s, t, temp=1.0, gamma=1.5):
    y = t.argmax(1, keepdim=True)
    chosen = -(F.softmax(t, 1).gather(1, y) * F.log_softmax(s, 1).gather(1, y)).mean()
    keep = torch.ones_like(s).scatter_(1, y, 0) == 1
    s_, t_ = s[keep].reshape(len(s), -1), t[keep].reshape(len(s), -1)
    others = -(F.softmax(t_ / temp, 1) * F.log_softmax(s_ / temp, 1)).sum() / len(s)
    return chosen + gamma * temp**2 * others


def bernoulli(s, t, temp=1):
    p, q = torch.sigmoid(t / temp), torch.sigmoid(s / temp)
    return temp**2 * (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum() / len(s)


RESPONSE = {
    "kd:temperature=4": lambda s, t: kl(t, s, 4),
    "kd:temperature=20": lambda s, t: kl(t, s, 20),
    "kd-std": kd_std,
    "dkd:beta=8": dkd,
    "dist": dist,
    "mse-logits": F.mse_loss,
    "hard": lambda s, t: F.cross_entropy(s, t.argmax(1)),
    "bce": bernoulli,
    "bce:temperature=2": lambda s, t: bernoulli(s, t, 2),
    "mse": F.mse_loss,
    "huber:delta=0.5": lambda s, t: F.huber_loss(s, t, delta=0.5),
    "cosine": lambda s, t: (1 - F.cosine_similarity(s, t)).mean(),
    "nkd": nkd,
    "nkd:temperature=3": lambda s, t: nkd(s, t, 3.0),
}


# Feature losses: lists of maps [B, c, h, w] or vectors [B, d].

def fitnet(s, t, rectified, margin):
    p, (s,), (t,) = Projector(), s, t
    if s.dim() == 2:
        r = p.linear(s, t.shape[1])
    elif s.shape[2] == t.shape[2]:
        r = p.bn(p.conv(s, t.shape[1]), t.shape[1])
    elif s.shape[2] == 2 * t.shape[2]:
        r = p.bn(p.conv(s, t.shape[1], 3, 2), t.shape[1])
    else:
        r = p.bn(F.conv_transpose2d(s, p.fill(s.shape[1], t.shape[1], 4, 4), None, 2, 1), t.shape[1])
    return F.mse_loss(F.relu(r) if rectified else r, t)


def at(s, t, rectified, margin):
    def q(f):
        return F.normalize(f.pow(2).mean(1).flatten(1))
    total = 0
    for a, b in zip(s, t):
        if a.shape[2] > b.shape[2]:
            a = F.adaptive_avg_pool2d(a, b.shape[2:])
        else:
            b = F.adaptive_avg_pool2d(b, a.shape[2:])
        total = total + (q(a) - q(b)).pow(2).mean()
    return total


def vid(s, t, rectified, margin):
    p, total = Projector(), 0
    for a, b in zip(s, t):
        for i in range(3):
            a = F.relu(a) if i else a
            a = p.conv(a, b.shape[1]) if b.dim() == 4 else p.linear(a, b.shape[1], bias=False)
        v = F.softplus(p.fill(b.shape[1])) + 1e-5
        v = v.view(-1, 1, 1) if b.dim() == 4 else v
        total = total + 0.5 * ((a - b).pow(2) / v + v.log()).mean()
    return total


def ofd(s, t, rectified, margin):
    p, total, n = Projector(), 0, len(s)
    for i, (a, b, m) in enumerate(zip(s, t, margin)):
        a = p.bn(p.conv(a, b.shape[1]), b.shape[1])
        b2 = torch.max(b, torch.tensor(m).float().double().view(-1, 1, 1))
        loss = F.mse_loss(a, b2, reduction="none") * ((a > b2) | (b > 0)).double()
        total = total + loss.sum() / len(b) / 2**(n - i - 1)
    return total


def hcl(a, b):
    loss, w, total = F.mse_loss(a, b), 1.0, 1.0
    for size in (4, 2, 1):
        if size >= a.shape[2]:
            continue
        w /= 2
        loss = loss + w * F.mse_loss(F.adaptive_avg_pool2d(a, size), F.adaptive_avg_pool2d(b, size))
        total += w
    return loss / total


def reviewkd(s, t, rectified, margin):
    p, total, residual = Projector(), 0, None
    mid = min(512, s[-1].shape[1])
    for a, b in zip(s[::-1], t[::-1]):
        x = p.bn(p.conv(a, mid), mid)
        if residual is not None:
            y = F.interpolate(residual, a.shape[2:], mode="nearest")
            gate = torch.sigmoid(p.conv(torch.cat([x, y], 1), 2) + p.fill(2, 1, 1))
            x = x * gate[:, :1] + y * gate[:, 1:]
        residual = F.interpolate(x, b.shape[2:], mode="nearest")
        total = total + hcl(p.bn(p.conv(residual, b.shape[1], 3), b.shape[1]), b)
    return total


def simkd(s, t, rectified, margin):
    return F.mse_loss(s[0], t[0])


def hidden(s, t, rectified, margin):
    p, total = Projector(), 0
    for a, b in zip(s, t):
        if a.shape != b.shape:
            a = a @ p.fill(a.shape[-1], b.shape[-1])
        total = total + F.mse_loss(a, b)
    return total


# Relation losses.

def pdist(e):
    sq = e.pow(2).sum(1)
    d = (sq.unsqueeze(1) + sq.unsqueeze(0) - 2 * e @ e.T).clamp(min=1e-12).sqrt()
    d = d.clone()
    d[range(len(e)), range(len(e))] = 0
    return d


def rkd(s, t, distance, angle):
    total = 0
    if distance:
        ds, dt = pdist(s), pdist(t)
        total = total + distance * F.smooth_l1_loss(ds / ds[ds > 0].mean(), dt / dt[dt > 0].mean())
    if angle:
        def a(e):
            u = F.normalize(e.unsqueeze(0) - e.unsqueeze(1), p=2, dim=2)
            return torch.bmm(u, u.transpose(1, 2)).view(-1)
        total = total + angle * F.smooth_l1_loss(a(s), a(t))
    return total


def sp(s, t):
    def g(f):
        return F.normalize(f.flatten(1) @ f.flatten(1).T)
    return (g(s) - g(t)).pow(2).sum() / len(s)**2


def pkt(s, t, eps=1e-7):
    def k(f):
        f = f / (f.pow(2).sum(1, keepdim=True).sqrt() + eps)
        m = (f @ f.T + 1) / 2
        return m / m.sum(1, keepdim=True)
    a, b = k(s), k(t)
    return (b * torch.log((b + eps) / (a + eps))).mean()


def cc(s, t, gamma=0.4):
    def k(f):
        c = F.normalize(f) @ F.normalize(f).T
        return sum(math.exp(-2 * gamma) * (2 * gamma)**p / math.factorial(p) * c**p for p in range(3))
    return (k(s) - k(t)).pow(2).sum() / len(s)**2


def nst(s, t):
    def n(f):
        return F.normalize(f.flatten(2), dim=2)
    def k(a, b):
        return (a.unsqueeze(2) * b.unsqueeze(1)).sum(-1).pow(2).mean()
    s, t = n(s), n(t)
    return k(t, t) + k(s, s) - 2 * k(s, t)


MAP, HALF, DOUBLE = [3, 4, 4], [3, 2, 2], [3, 8, 8]
FEATURE = [
    ("fitnet:1", fitnet, [MAP], [[5, 4, 4]], True),
    ("fitnet:1", fitnet, [DOUBLE], [[5, 4, 4]], False),
    ("fitnet:1", fitnet, [HALF], [[5, 4, 4]], False),
    ("fitnet:1", fitnet, [[6]], [[4]], False),
    ("at:1", at, [MAP, HALF], [[5, 4, 4], [2, 4, 4]], False),
    ("at:1", at, [[3, 7, 7]], [[2, 4, 4]], False),
    ("vid", vid, [MAP, HALF], [[5, 4, 4], [4, 2, 2]], False),
    ("vid", vid, [[6]], [[4]], False),
    ("ofd:1", ofd, [MAP, HALF], [[5, 4, 4], [4, 2, 2]], False),
    ("reviewkd", reviewkd, [DOUBLE, MAP, [2, 1, 1]], [[2, 8, 8], [5, 4, 4], [4, 1, 1]], False),
    ("simkd", simkd, [MAP], [MAP], False),
    ("hidden", hidden, [[3, 6], [3, 4]], [[3, 6], [3, 5]], False),
]
RELATION = [
    ("rkd:1,0", lambda s, t: rkd(s, t, 1, 0), [3], [6]),
    ("rkd:0,1", lambda s, t: rkd(s, t, 0, 1), [3], [6]),
    ("rkd", lambda s, t: rkd(s, t, 25, 50), [7], [4]),
    ("sp:1", sp, MAP, [5, 2, 2]),
    ("sp:1", sp, [3], [6]),
    ("pkt:1", pkt, [3], [6]),
    ("cc:1", cc, [3], [6]),
    ("nst:1", nst, MAP, [5, 4, 4]),
]


def case(spec, value, students, **more):
    value.backward()
    gradients = [[float(f"{g:.9g}") for g in s.grad.flatten().tolist()] for s in students]
    return dict(spec=spec, value=value.item(), gradients=gradients, **more)


def main():
    parser = argparse.ArgumentParser(description="Write PyTorch's values and gradients of every loss.")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    batch, cases = 5, []
    for spec, f in RESPONSE.items():
        s = signal(batch, [6], False).mul(3).requires_grad_()
        t = signal(batch, [6], True).mul(3)
        cases.append(case(spec, f(s, t), [s], batch=batch, student=[[6]], teacher=[[6]], rectified=False, margin=None))
    for spec, f, ss, ts, rectified in FEATURE:
        s = [signal(batch, x, False, i).requires_grad_() for i, x in enumerate(ss)]
        t = [signal(batch, x, True, i) for i, x in enumerate(ts)]
        if rectified:
            t = [x.relu() for x in t]
        margin = [[-0.1 * (c + 1) for c in range(x[0])] for x in ts]
        cases.append(case(spec, f(s, t, rectified, margin), s, batch=batch, student=ss, teacher=ts, rectified=rectified, margin=margin))
    for spec, f, ss, ts in RELATION:
        s, t = signal(batch, ss, False).requires_grad_(), signal(batch, ts, True)
        cases.append(case(spec, f(s, t), [s], batch=batch, student=[ss], teacher=[ts], rectified=False, margin=None))
    with open(args.out, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(f"{len(cases)} cases of PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
