"""Collects operator cases whose gradients PyTorch computed in double precision, and writes them as JSON."""

import json
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)

ONNX_TYPE = {torch.float64: "float64", torch.int64: "int64"}


class Goldens:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.cases = []

    def normal(self, *shape, scale=1.0):
        return torch.tensor(np.round(self.random.normal(size=shape) * scale, 3)).requires_grad_()

    def uniform(self, low, high, *shape):
        return torch.tensor(np.round(self.random.uniform(low, high, size=shape), 3)).requires_grad_()

    def distinct(self, *shape, gap=0.07):
        """No two equal, none near zero: safe at the kinks of piecewise functions."""
        size = int(np.prod(shape))
        values = (self.random.permutation(size) - size // 2 + 0.5) * gap
        return torch.tensor(np.round(values.reshape(shape), 3)).requires_grad_()

    def add(self, operator, variant, inputs, function, attributes=None, outputs=1, domain=""):
        """inputs: tensors (those that require a gradient get one), None for an omitted one."""
        results = function(*[x for x in inputs if x is not None])
        results = results if isinstance(results, tuple) else (results,)
        seeds = [torch.tensor(np.round(self.random.normal(size=tuple(y.shape)), 3)) for y in results]
        wanted = [x for x in inputs if x is not None and x.requires_grad]
        total = sum((y * seed).sum() for y, seed in zip(results, seeds))
        found = iter(torch.autograd.grad(total, wanted))
        gradients = [next(found) if x is not None and x.requires_grad else None for x in inputs]
        self.cases.append(
            {
                "operator": operator,
                "variant": variant,
                "domain": domain,
                "inputs": [None if x is None else variable(x) for x in inputs],
                "attributes": {name: attribute(value) for name, value in (attributes or {}).items()},
                "outputs": outputs,
                "values": [tensor(y) for y in results],
                "seeds": [tensor(seed) for seed in seeds],
                "gradients": [None if g is None else tensor(g) for g in gradients],
            }
        )

    def write(self, script, name):
        path = pathlib.Path(script).parent / name
        head = {"made by": pathlib.Path(script).name, "torch": torch.__version__, "numpy": np.__version__}
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        path.write_text(json.dumps(head)[:-1] + ',\n"cases": [\n' + lines + "\n]}\n")
        print(path.name, len(self.cases), "cases")


def tensor(value):
    data = value.detach().reshape(-1).tolist()
    return {"shape": list(value.shape), "data": [float(f"{x:.8g}") for x in data]}


def variable(value):
    kind = ONNX_TYPE[value.dtype]
    data = value.detach().reshape(-1).tolist()
    return {"type": kind, "variable": value.requires_grad, "shape": list(value.shape), "data": data}


def attribute(value):
    if isinstance(value, str):
        return {"kind": "string", "value": value}
    if isinstance(value, int):
        return {"kind": "int", "value": value}
    if isinstance(value, float):
        return {"kind": "float", "value": float(np.float32(value))}
    return {"kind": "ints", "value": [int(v) for v in value]}
