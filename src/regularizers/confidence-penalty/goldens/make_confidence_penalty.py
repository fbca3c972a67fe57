"""Entropies of torch.distributions.Categorical and gradients. Run: python make_confidence_penalty.py > confidence-penalty.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(5)
out = {"torch": torch.__version__, "cases": []}
for rows, classes, spread in [(6, 3, 1), (5, 10, 3), (4, 2, 20), (3, 4, 0)]:
    logits = np.round(rng.normal(size=(rows, classes)) * spread, 3)
    x = torch.tensor(logits, requires_grad=True)
    entropy = torch.distributions.Categorical(logits=x).entropy()
    entropy.sum().backward()
    out["cases"].append({"logits": logits.tolist(), "entropy": entropy.tolist(), "gradient": x.grad.tolist()})
print(json.dumps(out))
