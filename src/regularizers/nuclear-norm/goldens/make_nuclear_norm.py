"""Nuclear norms and their gradients by torch.linalg. Run: python make_nuclear_norm.py > nuclear-norm.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(9)
out = {"torch": torch.__version__, "cases": []}
for rows, columns, rank in [(4, 4, 4), (3, 7, 3), (8, 5, 5), (20, 12, 12), (6, 9, 2), (1, 5, 1)]:
    m = rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, columns)) if rank < min(rows, columns) else rng.normal(size=(rows, columns))
    m = np.round(m, 3)
    x = torch.tensor(m, requires_grad=True)
    s = torch.linalg.svdvals(x)
    # sum sqrt(s^2 + e), e = 1e-4 ||M M'||_F
    smooth = torch.sqrt(s ** 2 + 1e-4 * torch.sqrt((s ** 4).sum())).sum()
    smooth.backward()
    out["cases"].append({
        "shape": [rows, columns], "m": m.flatten().tolist(), "nuclear": torch.linalg.matrix_norm(torch.tensor(m), "nuc").item(),
        "smooth": smooth.item(), "gradient": x.grad.flatten().tolist(),
    })
print(json.dumps(out))
