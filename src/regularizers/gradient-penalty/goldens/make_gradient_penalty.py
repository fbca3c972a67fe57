"""PyTorch's double backpropagation through small networks. Run: python make_gradient_penalty.py > gradient-penalty.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(3)
out = {"torch": torch.__version__, "cases": []}
for activation, outputs in [("tanh", 3), ("relu", 3), ("relu", 1)]:
    x, labels = np.round(rng.normal(size=(6, 4)), 3), rng.integers(0, 3, size=6)
    w1, b1 = np.round(rng.normal(size=(4, 5)), 3), np.round(rng.normal(size=5), 3)
    w2 = np.round(rng.normal(size=(5, outputs)), 3)
    a, c, b = (torch.tensor(v, requires_grad=True) for v in (w1, b1, w2))

    def network(rows):
        return getattr(torch, activation)(rows @ a + c) @ b

    rows = torch.tensor(x, requires_grad=True)
    if outputs > 1:
        loss = torch.nn.functional.cross_entropy(network(rows), torch.tensor(labels), reduction="sum")
        gradient, = torch.autograd.grad(loss, rows, create_graph=True)
        value = (gradient ** 2).sum()
        grads = torch.autograd.grad(value, [a, c, b], allow_unused=True)
    else:
        value, grads = None, None
    # ||J||_F^2 summed over the rows.
    rows2 = torch.tensor(x, requires_grad=True)
    logits = network(rows2)
    jacobian = 0
    for k in range(outputs):
        g, = torch.autograd.grad(logits[:, k].sum(), rows2, create_graph=True)
        jacobian = jacobian + (g ** 2).sum()
    jgrads = torch.autograd.grad(jacobian, [a, c, b], allow_unused=True)
    tolist = lambda v: None if v is None else [torch.zeros_like(p).tolist() if g is None else g.tolist() for g, p in zip(v, (a, c, b))]
    out["cases"].append({
        "activation": activation, "x": x.tolist(), "labels": labels.tolist(), "w1": w1.tolist(), "b1": b1.tolist(), "w2": w2.tolist(),
        "loss": None if value is None else {"value": value.item(), "gradients": tolist(grads)},
        "jacobian": {"value": jacobian.item(), "gradients": tolist(jgrads)},
    })
print(json.dumps(out))
