"""Attacks, TRADES and virtual adversarial training in PyTorch, double precision, on one small network.
Run: python make_attacks.py > attacks.json

The updates follow MadryLab/robustness (steps and projections), yaodongyu/TRADES (trades.py) and takerum/vat_tf (vat.py),
written anew; random starts and directions are given, so that both sides begin at the same point.
"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(41)
B, D, H, C = 5, 6, 4, 3
w1, b1 = torch.tensor(rng.normal(size=(D, H))), torch.tensor(rng.normal(size=H))
w2, b2 = torch.tensor(rng.normal(size=(H, C))), torch.tensor(rng.normal(size=C))
x = torch.tensor(rng.normal(size=(B, D)))
y = torch.tensor(rng.integers(0, C, size=B))
noise = torch.tensor(rng.normal(size=(B, D)))
params = [p.requires_grad_() for p in (w1, b1, w2, b2)]
net = lambda v: torch.tanh(v @ w1 + b1) @ w2 + b2
flat = lambda t: t.detach().flatten().tolist()


def step(norm, g):
    return g.sign() if norm == "linf" else g / g.norm(dim=1, keepdim=True).clamp_min(1e-12)


def project(norm, v, eps):
    d = v - x
    d = d.clamp(-eps, eps) if norm == "linf" else d.renorm(p=2, dim=0, maxnorm=eps)
    return x + d


def climb(loss, norm, eps, alpha, steps, start, limits=None):
    v = start.clone()
    for _ in range(steps):
        v = v.detach().requires_grad_()
        (g,) = torch.autograd.grad(loss(v), v)
        v = project(norm, v + alpha * step(norm, g), eps)
        if limits:
            v = v.clamp(*limits)
    return v.detach()


out = {"torch": torch.__version__, "x": flat(x), "y": y.tolist(), "noise": flat(noise), "shape": [B, D, H, C],
       "parameters": {n: flat(p) for n, p in zip(("w1", "b1", "w2", "b2"), params)}, "attacks": [], "trades": [], "vat": []}
ce = lambda v: F.cross_entropy(net(v), y, reduction="sum")
for norm, eps, alpha, steps, scale, limits in [("linf", 0.3, 0.3, 1, 0, None), ("linf", 0.3, 0.1, 7, 0.2, None), ("l2", 0.5, 0.2, 6, 0.2, None), ("l2", 0.5, 0.5, 1, 0, None), ("linf", 0.4, 0.15, 5, 0.1, (-1, 1))]:
    start = project(norm, x + scale * noise, eps)
    if limits:
        start = start.clamp(*limits)
    out["attacks"].append({"norm": norm, "epsilon": eps, "stepSize": alpha, "steps": steps, "range": limits, "start": flat(start),
                           "points": flat(climb(ce, norm, eps, alpha, steps, start, limits))})
for norm, eps, steps, ratio, beta in [("linf", 0.2, 5, 0.4, 6.0), ("l2", 0.5, 3, 0.5, 2.0)]:
    start = x + 0.001 * noise
    p = F.softmax(net(x), dim=1).detach()
    kl = lambda v: F.kl_div(F.log_softmax(net(v), dim=1), p, reduction="sum")
    v = climb(kl, norm, eps, eps * ratio, steps, start)
    loss = beta * F.kl_div(F.log_softmax(net(v), dim=1), F.softmax(net(x), dim=1), reduction="sum") / B
    out["trades"].append({"norm": norm, "epsilon": eps, "steps": steps, "stepSize": ratio, "beta": beta, "points": flat(v), "loss": loss.item(),
                          "gradients": [flat(g) for g in torch.autograd.grad(loss, params)]})
for eps, iterations, xi, alpha in [(1.0, 1, 1e-2, 1.0), (0.5, 3, 1e-2, 2.0)]:
    d = noise
    logits = net(x).detach()
    p = F.softmax(logits, dim=1)
    for _ in range(iterations):
        r = (xi * d / d.norm(dim=1, keepdim=True)).detach().requires_grad_()
        (d,) = torch.autograd.grad(F.kl_div(F.log_softmax(net(x + r), dim=1), p, reduction="sum"), r)
    near = (x + eps * d / d.norm(dim=1, keepdim=True)).detach()
    loss = alpha * F.kl_div(F.log_softmax(net(near), dim=1), p, reduction="sum") / B
    out["vat"].append({"epsilon": eps, "iterations": iterations, "xi": xi, "alpha": alpha, "points": flat(near), "loss": loss.item(),
                       "gradients": [flat(g) for g in torch.autograd.grad(loss, params)]})
print(json.dumps(out))
