"""Log densities by scipy (the horseshoe-like one by quadrature), gradients by PyTorch. Run: python make_prior.py > prior.json"""
import json
import numpy as np
import torch
from scipy import stats, integrate, special

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(4)
w = np.round(rng.normal(size=12), 3)
out = {"w": w.tolist(), "cases": []}


def horseshoe_like(x, a):
    return np.log1p((a / x) ** 2) / (2 * np.pi * a)


for kind in ["gaussian", "laplace", "horseshoe"]:
    for tau in [0.3, 1.0, 25.0]:
        a = 1 / np.sqrt(tau)
        density = {
            "gaussian": lambda x: stats.norm.pdf(x, scale=a),
            "laplace": lambda x: stats.laplace.pdf(x, scale=a / np.sqrt(2)),
            "horseshoe": lambda x: horseshoe_like(x, a),
        }[kind]
        # Each integrates to 1, so that the formula is a density indeed.
        mass = 2 * sum(integrate.quad(density, lo, hi, limit=500)[0] for lo, hi in [(0, a), (a, 100 * a), (100 * a, np.inf)])
        assert abs(mass - 1) < 1e-6, (kind, mass)
        t = torch.tensor(w, requires_grad=True)
        value = {
            "gaussian": lambda: -torch.distributions.Normal(0, a).log_prob(t).sum(),
            "laplace": lambda: -torch.distributions.Laplace(0, a / np.sqrt(2)).log_prob(t).sum(),
            "horseshoe": lambda: -torch.log(torch.log1p((a / t) ** 2) / (2 * np.pi * a)).sum(),
        }[kind]()
        value.backward()
        out["cases"].append({"kind": kind, "tau": tau, "value": float(-np.log(density(w)).sum()), "gradient": t.grad.tolist()})
# Carvalho et al.'s horseshoe of scale 1 lies between two multiples of such logarithms (their theorem 1).
k = 1 / np.sqrt(2 * np.pi ** 3)
for x in [0.05, 0.3, 1, 4]:
    exact = k * np.exp(x * x / 2) * special.exp1(x * x / 2)
    assert k / 2 * np.log1p(4 / x ** 2) < exact < k * np.log1p(2 / x ** 2)
print(json.dumps(out))
