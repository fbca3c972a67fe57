"""Averages of made-up weights by torch.optim.swa_utils.AveragedModel. Run: python make_ema.py > ema.json"""
import json
import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

rng = np.random.default_rng(3)
weights = rng.normal(size=(30, 8)).astype(np.float32)
module = torch.nn.Linear(8, 1, bias=False)
out = {"torch": torch.__version__, "weights": weights.tolist(), "cases": []}
for decay in [0.5, 0.9, 0.99]:
    averaged = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))
    steps = []
    for row in weights:
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(row)[None])
        averaged.update_parameters(module)
        steps.append(averaged.module.weight[0].tolist())
    out["cases"].append({"decay": decay, "averages": steps})
averaged = AveragedModel(module)
steps = []
for row in weights:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(row)[None])
    averaged.update_parameters(module)
    steps.append(averaged.module.weight[0].tolist())
out["equal"] = steps
print(json.dumps(out))
