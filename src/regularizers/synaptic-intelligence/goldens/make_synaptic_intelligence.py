"""Synaptic intelligence over three tasks, as in the paper's equations. Run: python make_synaptic_intelligence.py > synaptic-intelligence.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from continual import Sequence
from small_network import torch

sequence = Sequence(53)


def run(c, xi):
    start = {k: torch.tensor(v) for k, v in sequence.net.start.items()}
    path = {k: torch.zeros_like(v) for k, v in start.items()}
    importance = {k: torch.zeros_like(v) for k, v in start.items()}
    anchor = {k: v.clone() for k, v in start.items()}

    def penalty(p, task, rows):
        return c * sum((importance[k] * (p[k] - anchor[k]) ** 2).sum() for k in p) if task > 0 else 0

    def step(gradients, moved):
        for k in path:
            path[k] -= gradients[k] * moved[k]

    def after(p, task):
        for k, v in p.items():
            now = v.detach()
            importance[k] += path[k].clamp(min=0) / ((now - anchor[k]) ** 2 + xi)
            anchor[k] = now.clone()
            path[k].zero_()

    return {"options": {"type": "synaptic-intelligence", "strength": c, "damping": xi}, "weights": sequence.run(penalty, after, step)}


print(sequence.document([run(0.5, 0.1), run(0.1, 0.01)]))
