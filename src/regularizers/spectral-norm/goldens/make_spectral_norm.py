"""torch.nn.utils.spectral_norm from a given u, and svdvals. Run: python make_spectral_norm.py > spectral-norm.json"""
import json
import numpy as np
import torch
from torch.nn.utils import spectral_norm

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(6)
out = {"torch": torch.__version__, "cases": []}
for shape in [(4, 6), (6, 3), (3, 2, 3, 3)]:
    w = np.round(rng.normal(size=shape), 3)
    layer = torch.nn.Linear(shape[1], shape[0], bias=False) if len(shape) == 2 else torch.nn.Conv2d(shape[1], shape[0], 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(w))
    layer = spectral_norm(layer, n_power_iterations=1)
    u = rng.normal(size=shape[0]); u /= np.linalg.norm(u)
    layer.weight_u.copy_(torch.tensor(u))
    steps = []
    layer.train()
    for _ in range(4):
        layer(torch.zeros(1, shape[1], *shape[2:]))
        steps.append({"u": layer.weight_u.tolist(), "weight": layer.weight.detach().flatten().tolist()})
    # One more iteration, then the gradient: u and v are held fast.
    c = np.round(rng.normal(size=shape), 3)
    layer(torch.zeros(1, shape[1], *([5, 5] if len(shape) > 2 else [])))
    (layer.weight * torch.tensor(c)).sum().backward()
    largest = torch.linalg.svdvals(torch.tensor(w).reshape(shape[0], -1))[0].item()
    out["cases"].append({
        "shape": shape, "w": w.flatten().tolist(), "u": u.tolist(), "steps": steps, "c": c.flatten().tolist(),
        "gradient": layer.weight_orig.grad.flatten().tolist(), "largest": largest,
    })
print(json.dumps(out))
