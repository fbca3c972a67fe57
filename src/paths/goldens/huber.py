"""Coefficients under Huber's loss: those of a convex solver, and scikit-learn's at the scale that it fits:
python huber.py > huber.json"""

import json
import sys

import cvxpy as cp
import numpy as np
import sklearn
from sklearn.linear_model import HuberRegressor

random = np.random.default_rng(3)
n, p = 50, 6
x = np.round(0.5 * random.normal(size=(n, 1)) + random.normal(size=(n, p)) * (1 + np.arange(p) / 3) + 0.3, 4)
y = np.round(x @ np.array([1, -0.7, 0.4, 0, 0, 0.2]) + 0.5 + random.normal(size=n), 4)
y[::9] += 15
weights = np.round(random.uniform(0.5, 2, size=n), 2)


def solved(delta, strength, alpha, sample_weight, intercept):
    w = np.ones(n) if sample_weight is None else sample_weight
    b, b0 = cp.Variable(p), cp.Variable()
    r = y - x @ b - (b0 if intercept else 0)
    # cvxpy's huber is r^2 within and 2 M |r| - M^2 beyond: twice ours.
    loss = cp.sum(cp.multiply(w / w.sum(), cp.huber(r, delta))) / 2
    penalty = strength * (alpha * cp.norm1(b) + (1 - alpha) / 2 * cp.sum_squares(b))
    options = dict(tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13, max_iter=500)
    cp.Problem(cp.Minimize(loss + penalty)).solve(solver=cp.CLARABEL, **options)
    coefficients = [0.0 if abs(value) < 1e-9 else float(value) for value in b.value]
    return float(b0.value) if intercept else 0.0, coefficients, float((loss + penalty).value)


cases = []
for delta in (0.5, 2.0):
    for alpha in (1, 0.3):
        for weighted, intercept in ((False, True), (True, True), (False, False)):
            for strength in (0.1, 0.02):
                b0, b, objective = solved(delta, strength, alpha, weights if weighted else None, intercept)
                cases.append(
                    dict(delta=delta, alpha=alpha, weighted=weighted, intercept=intercept, strength=strength, b0=b0, b=b, objective=objective)
                )

# scikit-learn minimises over the scale s too; at its s the rest is our loss with delta = epsilon s and lambda = alpha s / n.
joint = []
for epsilon, alpha in ((1.35, 1.0), (1.1, 5.0)):
    model = HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-12, max_iter=100_000).fit(x, y)
    joint.append(
        dict(delta=epsilon * model.scale_, strength=alpha * model.scale_ / n, b0=float(model.intercept_), b=model.coef_.tolist())
    )

json.dump(
    dict(
        made=f"cvxpy {cp.__version__}, CLARABEL, scikit-learn {sklearn.__version__}",
        columns=x.T.tolist(),
        target=y.tolist(),
        weights=weights.tolist(),
        cases=cases,
        joint=joint,
    ),
    sys.stdout,
)
