"""The two losses of a co-teaching step (Han et al. 2018, algorithm 1) in PyTorch. Run: python make_co_teaching.py > co-teaching.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(21)
cases = []
for rows, classes, forget in [(8, 3, 0.25), (10, 4, 0.4), (6, 2, 0.5)]:
    logits = [np.round(rng.normal(size=(rows, classes)) * 2, 3) for _ in range(2)]
    labels = rng.integers(0, classes, size=rows)
    x = [torch.tensor(each, requires_grad=True) for each in logits]
    losses = [F.cross_entropy(each, torch.tensor(labels), reduction="none") for each in x]
    kept = int((1 - forget) * rows)
    # R(T) of the batch by each network's losses; each is updated on the other's choice.
    small = [torch.argsort(each.detach())[:kept] for each in losses]
    first = F.cross_entropy(x[0][small[1]], torch.tensor(labels)[small[1]])
    second = F.cross_entropy(x[1][small[0]], torch.tensor(labels)[small[0]])
    (first + second).backward()
    cases.append({"forget": forget, "logits": [each.tolist() for each in logits], "labels": labels.tolist(),
                  "losses": [first.item(), second.item()], "gradients": [each.grad.tolist() for each in x]})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
