"""Steps of group DRO (Sagawa et al. 2020, algorithm 1) in PyTorch: losses, q and gradients by the logits. The adjustment C / sqrt(n) as
in kohpangwei/group_DRO. Run: python make_group_dro.py > group-dro.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(31)
cases = []
for eta, adjustment in [(0.01, 0.0), (0.5, 0.0), (0.1, 2.0)]:
    rows, classes, groups, steps = 9, 3, 3, 3
    sizes = np.array([40.0, 25.0, 9.0])
    q = torch.ones(groups) / groups
    made = []
    for _ in range(steps):
        logits = np.round(rng.normal(size=(rows, classes)) * 2, 3)
        labels = rng.integers(0, classes, size=rows)
        codes = np.concatenate([np.arange(groups), rng.integers(0, groups, size=rows - groups)])
        x = torch.tensor(logits, requires_grad=True)
        losses = F.cross_entropy(x, torch.tensor(labels), reduction="none")
        member = torch.tensor(np.eye(groups)[codes])
        of_group = (losses @ member) / member.sum(0)
        q = q * torch.exp(eta * (of_group + adjustment / torch.sqrt(torch.tensor(sizes))).detach())
        q = q / q.sum()
        robust = (of_group * q).sum()
        robust.backward()
        made.append({"logits": logits.tolist(), "labels": labels.tolist(), "codes": codes.tolist(), "q": q.tolist(),
                     "loss": robust.item(), "gradient": x.grad.tolist()})
    cases.append({"eta": eta, "adjustment": adjustment, "sizes": sizes.tolist(), "steps": made})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
