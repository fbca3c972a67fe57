"""torch.renorm along the axis of units. Run: python make_max_norm.py > max-norm.json"""
import json
import numpy as np
import torch

rng = np.random.default_rng(8)
out = {"torch": torch.__version__, "cases": []}
for shape, axis in [((5, 4), 1), ((4, 5), 0), ((3, 2, 3, 3), 0)]:
    w = np.round(rng.normal(size=shape), 3)
    for radius in [0.5, 2.0, 100.0]:
        y = torch.renorm(torch.tensor(w, dtype=torch.float64), p=2, dim=axis, maxnorm=radius)
        out["cases"].append({"shape": shape, "unitAxis": axis, "radius": radius, "w": w.flatten().tolist(), "y": y.flatten().tolist()})
print(json.dumps(out))
