"""Expected logistic losses under Gaussian noise on a weight, by quadrature. Run: python make_weight_noise.py > weight-noise.json"""
import json
import numpy as np
import scipy
from scipy.integrate import quad
from scipy.stats import norm

cases = []
for kind, weight, x, deviation in [("additive", 0.8, 1.5, 0.3), ("additive", -0.4, 2.5, 1.0), ("multiplicative", 1.2, 1.5, 0.5), ("multiplicative", -2.0, 1.0, 0.8)]:
    def loss(n):
        noisy = weight + deviation * n if kind == "additive" else weight * (1 + deviation * n)
        return np.logaddexp(0, -noisy * x) * norm.pdf(n)
    value, error = quad(loss, -12, 12, epsabs=1e-12, epsrel=1e-12)
    cases.append({"kind": kind, "weight": weight, "x": x, "deviation": deviation, "loss": value, "error": error, "clean": float(np.logaddexp(0, -weight * x))})
print(json.dumps({"scipy": scipy.__version__, "cases": cases}))
