"""Coefficients of penalised quantile regression: python quantile.py > quantile.json

The lasso by scikit-learn's QuantileRegressor (HiGHS); weights, offsets, factors and ridge parts by a convex solver.
"""

import json
import sys

import cvxpy as cp
import numpy as np
import sklearn
from sklearn.linear_model import QuantileRegressor

random = np.random.default_rng(13)
n, p = 61, 8
x = np.round(0.5 * random.normal(size=(n, 1)) + random.normal(size=(n, p)) * (1 + np.arange(p) / 4) + 0.3, 4)
target = np.round(x @ np.array([0.8, -0.5, 0.3, 0, 0, 0, 0.5, 0]) + 0.5 + random.standard_t(2, size=n), 4)
weights = np.round(random.uniform(0.5, 2, size=n), 3)
offset = np.round(random.normal(size=n) / 2, 3)
factors = [1, 1, 1, 2, 2, 0, 0.5, 0.5]


def solved(quantile, strength, alpha, setting):
    full = setting == "all"
    w = weights if full else np.ones(n)
    o = offset if full else np.zeros(n)
    v = np.array(factors if full else np.ones(p), dtype=float)
    v = v * p / v.sum()
    b, b0 = cp.Variable(p), cp.Variable()
    r = target - (x @ b + b0 + o)
    losses = cp.maximum(quantile * r, (quantile - 1) * r)
    penalty = cp.sum(cp.multiply(v, alpha * cp.abs(b) + (1 - alpha) / 2 * cp.square(b)))
    objective = cp.sum(cp.multiply(w / w.sum(), losses)) + strength * penalty
    options = dict(tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12, max_iter=500)
    cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL, **options)
    return [float(b0.value), *(float(value) for value in b.value)], float(objective.value)


cases = []
for quantile in (0.5, 0.1, 0.8):
    for setting in ("plain", "all"):
        for alpha in (1, 0.5):
            for strength in (0.2, 0.05, 0.01):
                if setting == "plain" and alpha == 1:
                    found = QuantileRegressor(quantile=quantile, alpha=strength, solver="highs").fit(x, target)
                    model = [float(found.intercept_), *(float(value) for value in found.coef_)]
                    r = target - found.predict(x)
                    objective = float(np.mean(np.maximum(quantile * r, (quantile - 1) * r)) + strength * np.abs(found.coef_).sum())
                else:
                    model, objective = solved(quantile, strength, alpha, setting)
                cases.append(dict(quantile=quantile, setting=setting, alpha=alpha, strength=strength, model=model, objective=objective))
json.dump(
    dict(
        made=f"scikit-learn {sklearn.__version__}, cvxpy {cp.__version__}, CLARABEL, numpy {np.__version__}",
        columns=x.T.tolist(),
        target=target.tolist(),
        weights=weights.tolist(),
        offset=offset.tolist(),
        factors=factors,
        cases=cases,
    ),
    sys.stdout,
)
