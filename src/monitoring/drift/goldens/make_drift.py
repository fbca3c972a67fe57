"""Writes drift.json: distances and tests of scipy on small seeded samples. Run: python make_drift.py"""

import json
import os

import numpy as np
import scipy
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

random = np.random.default_rng(5)


def numbers(n, m, shift, digits=None):
    a, b = random.normal(0, 1, n), random.normal(shift, 1.2, m)
    if digits is not None:
        a, b = np.round(a, digits), np.round(b, digits)
    exact = ks_2samp(a, b, method="exact" if n * m <= 1_000_000 else "asymp")
    return {"reference": a.tolist(), "current": b.tolist(), "ks": exact.statistic, "pValue": None if digits is not None else exact.pvalue,
            "wasserstein": wasserstein_distance(a, b)}


def categories(p, q, n, m):
    a, b = random.multinomial(n, p), random.multinomial(m, q)
    test = chi2_contingency(np.array([a, b]), correction=False)
    return {"reference": a.tolist(), "current": b.tolist(), "chiSquare": test.statistic, "pValue": test.pvalue,
            "jensenShannon": float(jensenshannon(a, b, base=2)), "totalVariation": float(np.abs(a / n - b / m).sum() / 2)}


golden = {
    "made by": {"scipy": scipy.__version__},
    "numbers": [numbers(60, 80, 0.3), numbers(200, 150, 0), numbers(1500, 1200, 0.1), numbers(100, 90, 0.5, 1)],
    "categories": [categories([0.2, 0.3, 0.5], [0.25, 0.3, 0.45], 300, 400), categories([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], 500, 500)],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "drift.json"), "w") as file:
    json.dump(golden, file)
