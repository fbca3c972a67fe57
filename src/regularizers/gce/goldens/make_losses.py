"""Losses and gradients of PyTorch in double precision. Run: python make_losses.py > losses.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(12)


def losses(x, t, q):
    p = (F.softmax(x, 1) * t).sum(1)
    return (1 - p**q) / q


cases = []
for options, strength, rows, classes in [({}, 0.01, 5, 2), ({}, 0.7, 6, 4), ({}, 1.0, 4, 3), ({}, 0.7, 7, 10)]:
    logits = np.round(rng.normal(size=(rows, classes)) * 2, 3)
    labels = rng.integers(0, classes, size=rows)
    x = torch.tensor(logits, requires_grad=True)
    t = F.one_hot(torch.tensor(labels), classes).to(x)
    value = losses(x, t, strength, **options)
    value.mean().backward()
    cases.append({"options": options, "strength": strength, "logits": logits.tolist(), "labels": labels.tolist(),
                  "losses": value.tolist(), "gradient": x.grad.tolist()})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
