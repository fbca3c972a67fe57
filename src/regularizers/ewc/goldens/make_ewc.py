"""Elastic weight consolidation over three tasks, and Fisher informations row by row. Run: python make_ewc.py > ewc.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from continual import Sequence
from small_network import CLASSES, torch

sequence = Sequence(47)
net = sequence.net


def fisher(p, rows, labels):
    sums = {k: torch.zeros_like(v) for k, v in p.items()}
    for row in rows:
        log = torch.log_softmax(net.logits(p)[row], 0)
        for c in range(CLASSES) if labels == "exact" else [int(net.labels[row])]:
            weight = log[c].exp().item() if labels == "exact" else 1.0
            gradients = torch.autograd.grad(log[c], list(p.values()), retain_graph=True)
            for name, g in zip(p, gradients):
                sums[name] += weight * g.detach() ** 2 / len(rows)
    return sums


def run(strength, mode, labels, decay=1.0):
    kept = []

    def penalty(p, task, rows):
        return strength / 2 * sum((f[k] * (p[k] - anchor[k]) ** 2).sum() for f, anchor in kept for k in p) if kept else 0

    def after(p, task):
        f = fisher(p, sequence.rows(task), labels)
        anchor = {k: v.detach().clone() for k, v in p.items()}
        if mode == "online" and kept:
            f = {k: decay * kept[0][0][k] + f[k] for k in f}
            kept.clear()
        kept.append((f, anchor))

    options = {"type": "ewc", "strength": strength, "mode": mode, "labels": labels, "decay": decay}
    return {"options": options, "weights": sequence.run(penalty, after)}


start = net.parameters()
informations = {labels: {k: v.flatten().tolist() for k, v in fisher(start, sequence.rows(0), labels).items()} for labels in ("exact", "empirical")}
print(sequence.document([run(20.0, "online", "exact"), run(20.0, "online", "empirical", 0.5), run(30.0, "offline", "exact")], informations=informations))
