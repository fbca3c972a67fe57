"""Ten steps of SAM and ASAM by PyTorch's autograd, as davda54/sam and SamsungLabs/ASAM take them, in double precision.
Run: python make_sam.py > sam.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
FEATURES, HIDDEN, CLASSES, ROWS, BATCH = 5, 4, 3, 24, 8
rng = np.random.default_rng(11)
x = np.round(rng.normal(size=(ROWS, FEATURES)), 3)
labels = rng.integers(0, CLASSES, size=ROWS)
# Ballast's layout: [in, out].
initial = {
    "dense1.weight": np.round(rng.normal(size=(FEATURES, HIDDEN)) * 0.6, 3),
    "dense1.bias": np.round(rng.normal(size=HIDDEN) * 0.1, 3),
    "output.weight": np.round(rng.normal(size=(HIDDEN, CLASSES)) * 0.6, 3),
    "output.bias": np.round(rng.normal(size=CLASSES) * 0.1, 3),
}


def run(rho, adaptive, eta=0.01, l2=0.0):
    p = {name: torch.tensor(value, requires_grad=True) for name, value in initial.items()}
    optimizer = torch.optim.SGD(p.values(), lr=0.1, momentum=0.9)

    def objective(rows):
        hidden = torch.tanh(torch.tensor(x[rows]) @ p["dense1.weight"] + p["dense1.bias"])
        logits = hidden @ p["output.weight"] + p["output.bias"]
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels[rows]))
        penalty = 0.5 * l2 * sum((value ** 2).sum() for name, value in p.items() if name.endswith("weight"))
        return loss, loss + penalty

    losses = []
    for step in range(10):
        rows = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        loss, total = objective(rows)
        losses.append(loss.item())
        optimizer.zero_grad()
        total.backward()
        with torch.no_grad():
            scale = {n: (v.abs() + eta if adaptive and n.endswith("weight") else torch.ones_like(v)) for n, v in p.items()}
            norm = torch.norm(torch.stack([(scale[n] * v.grad).norm(p=2) for n, v in p.items()]), p=2)
            moves = {n: scale[n] ** 2 * v.grad * (rho / (norm + 1e-12)) for n, v in p.items()}
            for n, v in p.items():
                v.add_(moves[n])
        optimizer.zero_grad()
        objective(rows)[1].backward()
        with torch.no_grad():
            for n, v in p.items():
                v.sub_(moves[n])
        optimizer.step()
    return {"losses": losses, "parameters": {n: v.detach().flatten().tolist() for n, v in p.items()}}


cases = [
    {"entry": {"type": "sam", "strength": 0.05}, "l2": 0, **run(0.05, False)},
    {"entry": {"type": "sam", "strength": 0.5}, "l2": 0.1, **run(0.5, False, l2=0.1)},
    {"entry": {"type": "sam", "strength": 0.5, "adaptive": True}, "l2": 0, **run(0.5, True)},
    {"entry": {"type": "sam", "strength": 2, "adaptive": True, "eta": 0.1}, "l2": 0, **run(2, True, eta=0.1)},
]
print(json.dumps({
    "torch": torch.__version__, "x": x.tolist(), "labels": labels.tolist(), "hidden": HIDDEN, "batch": BATCH,
    "initial": {n: v.flatten().tolist() for n, v in initial.items()}, "cases": cases,
}))
