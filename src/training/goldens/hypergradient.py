"""Hypergradients of one step by PyTorch's double backward: python hypergradient.py > hypergradient.json

A tanh network 3-4-3 in float64; L2, label smoothing and decoupled decay; SGD with momentum and Adam at a later step.
pip install torch==2.15.0
"""

import json

import torch

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(7)


def exact(*shape):
    return torch.randn(*shape, generator=generator).float().double()


rows, held = 8, 6
x, y = exact(rows, 3), torch.randint(0, 3, (rows,), generator=generator)
hx, hy = exact(held, 3), torch.randint(0, 3, (held,), generator=generator)
weights = {"w1": exact(3, 4) * 0.5, "b1": exact(4) * 0.1, "w2": exact(4, 3) * 0.5, "b2": exact(3) * 0.1}
weights = {name: value.float().double() for name, value in weights.items()}
momentum = {name: (exact(*value.shape) * 0.05).float().double() for name, value in weights.items()}
second = {name: (exact(*value.shape) ** 2 * 0.01).float().double() for name, value in weights.items()}


def network(at, inputs):
    return torch.tanh(inputs @ at["w1"] + at["b1"]) @ at["w2"] + at["b2"]


cases = []
for optimizer in ("sgd", "adam"):
    strengths = {name: torch.tensor(value, requires_grad=True) for name, value in (("l2", 0.03), ("label-smoothing", 0.15), ("weight-decay", 0.2))}
    at = {name: value.clone().requires_grad_() for name, value in weights.items()}
    epsilon = strengths["label-smoothing"]
    targets = torch.nn.functional.one_hot(y, 3).double() * (1 - epsilon) + epsilon / 3
    loss = -(targets * torch.log_softmax(network(at, x), 1)).sum(1).mean()
    loss = loss + strengths["l2"] / 2 * sum((at[name] ** 2).sum() for name in ("w1", "w2"))
    grads = dict(zip(at, torch.autograd.grad(loss, list(at.values()), create_graph=True)))
    rate, step = 0.1, 5
    new = {}
    for name, g in grads.items():
        kept = at[name] * (1 - rate * strengths["weight-decay"]) if name.startswith("w") else at[name]
        if optimizer == "sgd":
            new[name] = kept - rate * (0.9 * momentum[name] + g)
        else:
            m = 0.9 * momentum[name] + 0.1 * g
            v = 0.999 * second[name] + 0.001 * g**2
            new[name] = kept - rate * (m / (1 - 0.9**step)) / (torch.sqrt(v / (1 - 0.999**step)) + 1e-8)
    value = torch.nn.functional.cross_entropy(network(new, hx), hy)
    hyper = torch.autograd.grad(value, list(strengths.values()))
    cases.append(
        {
            "optimizer": optimizer,
            "rate": rate,
            "step": step,
            "strengths": {name: float(value) for name, value in strengths.items()},
            "value": float(value),
            "hyper": dict(zip(strengths, map(float, hyper))),
        }
    )
lists = lambda named: {name: value.tolist() for name, value in named.items()}
print(
    json.dumps(
        {
            "x": torch.cat([x, hx]).tolist(),
            "y": torch.cat([y, hy]).tolist(),
            "rows": rows,
            "weights": lists(weights),
            "momentum": lists(momentum),
            "second": lists(second),
            "cases": cases,
        }
    )
)
