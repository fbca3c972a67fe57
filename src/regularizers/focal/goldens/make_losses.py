"""Losses and gradients of PyTorch in double precision. Run: python make_losses.py > losses.json

With two classes it is torchvision's sigmoid_focal_loss without alpha, alpha_t (1 - p_t)^gamma
binary_cross_entropy_with_logits; its few lines stand here, so that torchvision need not be installed.
"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(11)


def sigmoid_focal_loss(inputs, targets, gamma):
    p = torch.sigmoid(inputs)
    ce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    return ce * (1 - p_t) ** gamma


def losses(x, t, gamma):
    if x.shape[1] == 2:
        return sigmoid_focal_loss(x[:, 1] - x[:, 0], t[:, 1], gamma)
    ce = F.cross_entropy(x, t, reduction="none")
    return ce * (1 - torch.exp(-ce)) ** gamma


cases = []
for options, strength, rows, classes in [({}, 0.5, 5, 2), ({}, 2, 6, 4), ({}, 5, 4, 3), ({}, 2, 5, 2)]:
    logits = np.round(rng.normal(size=(rows, classes)) * 2, 3)
    labels = rng.integers(0, classes, size=rows)
    x = torch.tensor(logits, requires_grad=True)
    t = F.one_hot(torch.tensor(labels), classes).to(x)
    value = losses(x, t, strength, **options)
    value.mean().backward()
    cases.append({"options": options, "strength": strength, "logits": logits.tolist(), "labels": labels.tolist(),
                  "losses": value.tolist(), "gradient": x.grad.tolist()})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
