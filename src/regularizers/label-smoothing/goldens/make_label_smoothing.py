"""Losses and gradients of PyTorch's CrossEntropyLoss. Run: python make_label_smoothing.py > label-smoothing.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)
out = {"torch": torch.__version__, "cases": []}
for rows, classes, epsilon, weighted in [(6, 3, 0.1, False), (9, 5, 0.3, False), (5, 2, 0.05, False), (8, 4, 0.2, True), (8, 4, 0.0, True)]:
    logits = np.round(rng.normal(size=(rows, classes)) * 2, 3)
    labels = rng.integers(0, classes, size=rows)
    weights = np.round(rng.uniform(0.2, 3, size=classes), 3) if weighted else None
    x = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.CrossEntropyLoss(weight=None if weights is None else torch.tensor(weights), label_smoothing=epsilon)
    value = loss(x, torch.tensor(labels))
    value.backward()
    out["cases"].append({
        "logits": logits.tolist(), "labels": labels.tolist(), "epsilon": epsilon,
        "classWeights": None if weights is None else weights.tolist(),
        "loss": value.item(), "gradient": x.grad.tolist(),
    })
print(json.dumps(out))
