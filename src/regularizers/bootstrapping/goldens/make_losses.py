"""Losses and gradients of PyTorch in double precision. Run: python make_losses.py > losses.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(13)


def losses(x, t, share, mode):
    believed = F.softmax(x, 1) if mode == "soft" else F.one_hot(x.argmax(1), x.shape[1]).to(x)
    return -(((1 - share) * t + share * believed) * F.log_softmax(x, 1)).sum(1)


cases = []
for options, strength, rows, classes in [({"mode": "soft"}, 0.05, 5, 2), ({"mode": "soft"}, 0.5, 6, 4), ({"mode": "hard"}, 0.2, 4, 3), ({"mode": "hard"}, 0.5, 7, 5)]:
    logits = np.round(rng.normal(size=(rows, classes)) * 2, 3)
    labels = rng.integers(0, classes, size=rows)
    x = torch.tensor(logits, requires_grad=True)
    t = F.one_hot(torch.tensor(labels), classes).to(x)
    value = losses(x, t, strength, **options)
    value.mean().backward()
    cases.append({"options": options, "strength": strength, "logits": logits.tolist(), "labels": labels.tolist(),
                  "losses": value.tolist(), "gradient": x.grad.tolist()})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
