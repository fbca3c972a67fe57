"""PyTorch's value and gradients of the penalty in a small network. Run: python make_activation_penalty.py > activation-penalty.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(11)
x = np.round(rng.normal(size=(6, 4)), 3)
w1, w2 = np.round(rng.normal(size=(4, 5)), 3), np.round(rng.normal(size=(5, 3)), 3)
out = {"torch": torch.__version__, "x": x.tolist(), "w1": w1.tolist(), "w2": w2.tolist(), "cases": []}
for norm in ["l1", "l2"]:
    a, b = torch.tensor(w1, requires_grad=True), torch.tensor(w2, requires_grad=True)
    first = torch.relu(torch.tensor(x) @ a)
    second = torch.tanh(first @ b)
    # torch.nn.L1Loss and MSELoss against zero: means over all elements, one a layer.
    loss = (torch.nn.L1Loss() if norm == "l1" else torch.nn.MSELoss())
    value = loss(first, torch.zeros_like(first)) + loss(second, torch.zeros_like(second))
    value.backward()
    out["cases"].append({"norm": norm, "value": value.item(), "w1": a.grad.tolist(), "w2": b.grad.tolist()})
print(json.dumps(out))
