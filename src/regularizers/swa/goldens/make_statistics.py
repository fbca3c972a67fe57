"""Running statistics by torch.optim.swa_utils.update_bn. Run: python make_statistics.py > statistics.json"""
import json
import numpy as np
import torch
from torch.optim.swa_utils import update_bn

rng = np.random.default_rng(9)
FEATURES, HIDDEN, ROWS, BATCH = 7, 5, 24, 8
x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
first = torch.nn.Linear(FEATURES, HIDDEN)
norm = torch.nn.BatchNorm1d(HIDDEN)
with torch.no_grad():
    first.weight.copy_(torch.from_numpy(rng.normal(size=(HIDDEN, FEATURES)).astype(np.float32)))
    first.bias.copy_(torch.from_numpy(rng.normal(size=HIDDEN).astype(np.float32)))
    norm.running_mean.fill_(7)
model = torch.nn.Sequential(first, norm)
update_bn([torch.from_numpy(x[i:i + BATCH]) for i in range(0, ROWS, BATCH)], model)
print(json.dumps({
    "torch": torch.__version__, "x": x.flatten().tolist(), "batch": BATCH, "rows": ROWS,
    # Ballast's layout: [in, out].
    "weight": first.weight.T.flatten().tolist(), "bias": first.bias.tolist(),
    "mean": norm.running_mean.tolist(), "variance": norm.running_var.tolist(),
}))
