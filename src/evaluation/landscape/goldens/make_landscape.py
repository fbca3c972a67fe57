"""Hessian eigenvalues and trace, gradients and the points of SAM and ASAM of two small networks, by PyTorch in double
precision and numpy. Run: python make_landscape.py > landscape.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
ROWS, CLASSES = 30, 3
F = torch.nn.functional


def f32(a):
    """float32 values, so that both sides start from the same bits."""
    return np.asarray(a, dtype=np.float32).astype(np.float64)


rng = np.random.default_rng(7)
draw = lambda *shape: f32(np.round(rng.normal(size=shape), 3))
labels = rng.integers(0, CLASSES, size=ROWS)


def mlp(p, x):
    return torch.tanh(x @ p["dense1.weight"] + p["dense1.bias"]) @ p["output.weight"] + p["output.bias"]


def cnn(p, x):
    z = torch.tanh(F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=1))
    z = F.avg_pool2d(z, 2).flatten(1)
    return z @ p["output.weight"] + p["output.bias"]


def case(name, forward, x, start, rho, eta):
    p = {k: torch.tensor(v, requires_grad=True) for k, v in start.items()}
    sizes = [v.size for v in start.values()]
    weights = np.array(1 + (np.arange(ROWS) % 3), dtype=float)
    w = torch.tensor(weights / weights.sum())

    def loss_of(flat):
        parts = torch.split(flat, sizes)
        q = {k: part.reshape(v.shape) for part, (k, v) in zip(parts, start.items())}
        return (F.cross_entropy(forward(q, torch.tensor(x)), torch.tensor(labels), reduction="none") * w).sum()

    at = torch.cat([v.detach().flatten() for v in p.values()]).requires_grad_()
    loss = loss_of(at)
    (gradient,) = torch.autograd.grad(loss, at)
    hessian = torch.autograd.functional.hessian(loss_of, at.detach()).numpy()
    values = np.linalg.eigvalsh(hessian)[::-1]
    g = gradient.numpy()
    t = np.concatenate([np.abs(v.flatten()) + eta if k.endswith("weight") else np.ones(v.size) for k, v in start.items()])
    rise = lambda e: loss_of(torch.tensor(at.detach().numpy() + e)).item() - loss.item()
    return {
        "name": name, "x": x.flatten().tolist(), "shape": list(x.shape[1:]), "weights": weights.tolist(),
        "start": {k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in start.items()},
        "loss": loss.item(), "gradient": g.tolist(), "eigenvalues": values.tolist(), "trace": float(values.sum()),
        "product": (hessian @ np.ones(len(g))).tolist(),
        "sam": {"rho": rho, "rise": rise(rho * g / np.linalg.norm(g))},
        "asam": {"rho": rho, "eta": eta, "rise": rise(rho * t * t * g / np.linalg.norm(t * g))},
    }


cases = [
    case("mlp", mlp, draw(ROWS, 5), {"dense1.weight": draw(5, 4), "dense1.bias": draw(4),
                                     "output.weight": draw(4, CLASSES), "output.bias": draw(CLASSES)}, 0.3, 0.01),
    case("cnn", cnn, draw(ROWS, 2, 4, 4), {"conv1.weight": draw(3, 2, 3, 3), "conv1.bias": draw(3),
                                           "output.weight": draw(12, CLASSES), "output.bias": draw(CLASSES)}, 0.2, 0.01),
]
print(json.dumps({"torch": torch.__version__, "labels": labels.tolist(), "cases": cases}))
