"""Coefficients of the group lasso by a convex solver: python groups.py > groups.json"""

import json
import sys

import cvxpy as cp
import numpy as np

random = np.random.default_rng(11)
n, p = 60, 9
x = np.round(0.5 * random.normal(size=(n, 1)) + random.normal(size=(n, p)) * (1 + np.arange(p) / 4) + 0.3, 4)
# The columns of the second group are all but the same, those of the fourth group are not beside each other.
x[:, 4] = np.round(x[:, 3] + 0.05 * random.normal(size=n), 4)
groups = [0, 0, 0, 1, 1, 2, 3, 2, 3]
eta = x @ np.array([0.8, -0.5, 0.3, 0.4, 0, 0, 0.5, 0, -0.4])
numbers = np.round(eta + 0.5 + random.normal(size=n), 4)
classes = (random.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
weights = np.round(random.uniform(0.5, 2, size=n), 2)
offset = np.round(random.normal(size=n) / 2, 3)
factors = [1, 1, 1, 2, 2, 0, 0.5, 0, 0.5]


def solved(family, strength, alpha, setting):
    w = weights if setting in ("weights", "all") else np.ones(n)
    o = offset if setting in ("offset", "all") else np.zeros(n)
    v = np.array(factors if setting in ("factors", "all") else np.ones(p), dtype=float)
    v = v * p / v.sum()
    b, b0 = cp.Variable(p), cp.Variable()
    predictor = x @ b + b0 + o
    if family == "gaussian":
        losses = cp.square(numbers - predictor) / 2
    else:
        losses = cp.logistic(predictor) - cp.multiply(classes, predictor)
    penalty = 0
    for group in set(groups):
        own = [j for j in range(p) if groups[j] == group]
        weight = v[own[0]] * np.sqrt(len(own))
        penalty += weight * (alpha * cp.norm2(b[own]) + (1 - alpha) / 2 * cp.sum_squares(b[own]))
    objective = cp.sum(cp.multiply(w / w.sum(), losses)) + strength * penalty
    options = dict(tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13, max_iter=500)
    cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL, **options)
    return [float(b0.value), *(float(value) for value in b.value)], float(objective.value)


cases = []
for family in ("gaussian", "binomial"):
    for setting in ("plain", "weights", "offset", "factors", "all"):
        for alpha in (1, 0.5):
            for strength in (0.2, 0.05, 0.01):
                model, objective = solved(family, strength, alpha, setting)
                cases.append(dict(family=family, setting=setting, alpha=alpha, strength=strength, model=model, objective=objective))
json.dump(
    dict(
        made=f"cvxpy {cp.__version__}, CLARABEL, numpy {np.__version__}",
        columns=x.T.tolist(),
        groups=groups,
        targets=dict(gaussian=numbers.tolist(), binomial=classes.tolist()),
        weights=weights.tolist(),
        offset=offset.tolist(),
        factors=factors,
        cases=cases,
    ),
    sys.stdout,
)
