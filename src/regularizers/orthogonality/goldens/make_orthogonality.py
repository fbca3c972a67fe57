"""||W W' - I||_F^2 of the smaller Gram matrix, by PyTorch. Run: python make_orthogonality.py > orthogonality.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(4)
out = {"torch": torch.__version__, "cases": []}
for rows, columns in [(4, 4), (3, 7), (8, 5)]:
    m = np.round(rng.normal(size=(rows, columns)), 3)
    x = torch.tensor(m, requires_grad=True)
    gram = x @ x.T if rows <= columns else x.T @ x
    value = torch.linalg.matrix_norm(gram - torch.eye(len(gram)), "fro") ** 2
    value.backward()
    out["cases"].append({"shape": [rows, columns], "m": m.flatten().tolist(), "value": value.item(), "gradient": x.grad.flatten().tolist()})
# Rows or columns of an orthonormal matrix cost nothing.
q, _ = np.linalg.qr(rng.normal(size=(6, 3)))
out["orthonormal"] = {"shape": [6, 3], "m": q.flatten().tolist()}
print(json.dumps(out))
