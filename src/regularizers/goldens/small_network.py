"""A network of one hidden layer in PyTorch, with rows, labels and domains, for goldens of penalties.
Scripts of the regularizers' folders import it; what they print is read by test/support/golden-network.ts."""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
ROWS, FEATURES, HIDDEN, CLASSES = 32, 5, 4, 3


def f32(a):
    """float32 values, so that both sides start from the same bits."""
    return np.asarray(a, dtype=np.float32).astype(np.float64)


class Network:
    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        r = lambda *shape: f32(np.round(rng.normal(size=shape), 3))
        self.x, self.labels = r(ROWS, FEATURES), rng.integers(0, CLASSES, size=ROWS)
        # Three domains, one row in eight of none, and the second shifted.
        self.domains = rng.integers(0, 3, size=ROWS)
        self.domains[::8] = -1
        self.x[self.domains == 1] += 1
        self.x = f32(self.x)
        self.start = {"dense1.weight": r(FEATURES, HIDDEN), "dense1.bias": r(HIDDEN),
                      "output.weight": r(HIDDEN, CLASSES), "output.bias": r(CLASSES)}

    def parameters(self, values=None):
        return {k: torch.tensor(v.copy(), requires_grad=True) for k, v in (values or self.start).items()}

    def features(self, p, x=None):
        return torch.tanh(torch.tensor(self.x if x is None else x) @ p["dense1.weight"] + p["dense1.bias"])

    def logits(self, p, x=None):
        return self.features(p, x) @ p["output.weight"] + p["output.bias"]

    def loss(self, p, rows=None):
        rows = slice(None) if rows is None else rows
        return torch.nn.functional.cross_entropy(self.logits(p)[rows], torch.tensor(self.labels)[rows])

    def case(self, options, objective, p, **more):
        """The gradient of an objective over all rows, and its value."""
        for value in p.values():
            value.grad = None
        total = objective(p)
        total.backward()
        zero = lambda v: torch.zeros_like(v) if v.grad is None else v.grad
        return {"options": options, "objective": total.item(),
                "gradients": {k: zero(v).flatten().tolist() for k, v in p.items()}, **more}

    def document(self, **more):
        return json.dumps({"torch": torch.__version__, "x": self.x.tolist(), "labels": self.labels.tolist(),
                           "domains": self.domains.tolist(), "hidden": HIDDEN,
                           "start": {k: v.flatten().tolist() for k, v in self.start.items()}, **more})
