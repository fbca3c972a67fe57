"""Coefficients under penalised differences by a convex solver: python chains.py > chains.json"""

import json
import sys

import cvxpy as cp
import numpy as np

random = np.random.default_rng(12)
n, p = 70, 11
# The last two columns are not of the chain; neighbours within it are correlated.
x = random.normal(size=(n, p))
for j in range(1, 9):
    x[:, j] = 0.6 * x[:, j - 1] + 0.8 * x[:, j]
x = np.round(x * (1 + np.arange(p) / 5) + 0.3, 4)
chain = list(range(9))
eta = x @ np.array([0.4, 0.4, 0.4, -0.2, -0.2, 0, 0, 0.1, 0.3, 0.5, 0])
numbers = np.round(eta + 0.5 + random.normal(size=n), 4)
classes = (random.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
counts = random.poisson(np.exp(eta / 3)).astype(float)
weights = np.round(random.uniform(0.5, 2, size=n), 2)
offset = np.round(random.normal(size=n) / 2, 3)


def solved(family, penalty, strength, alpha, setting, standardize):
    w = weights if setting == "all" else np.ones(n)
    w = w / w.sum()
    o = offset if setting == "all" else np.zeros(n)
    mean = w @ x
    scale = np.sqrt(w @ (x - mean) ** 2) if standardize else np.ones(p)
    b, b0 = cp.Variable(p), cp.Variable()
    predictor = (x / scale) @ b + b0 + o
    if family == "gaussian":
        losses = cp.square(numbers - predictor) / 2
    elif family == "binomial":
        losses = cp.logistic(predictor) - cp.multiply(classes, predictor)
    else:
        losses = cp.exp(predictor) - cp.multiply(counts, predictor)
    difference = cp.diff(b[chain], 1 if penalty == "fused" else 2)
    terms = [difference, b[9:]]
    total = sum(alpha * cp.norm1(term) + (1 - alpha) / 2 * cp.sum_squares(term) for term in terms)
    objective = cp.sum(cp.multiply(w, losses)) + strength * total
    options = dict(tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13, max_iter=500)
    cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL, **options)
    return [float(b0.value), *(float(value) for value in b.value / scale)], float(objective.value)


cases = []
for family in ("gaussian", "binomial", "poisson"):
    for penalty in ("fused", "trend"):
        for setting in ("plain", "all"):
            for alpha, standardize, strength in ((1, True, 0.2), (1, True, 0.02), (1, False, 0.05), (0.5, True, 0.05)):
                model, objective = solved(family, penalty, strength, alpha, setting, standardize)
                cases.append(
                    dict(
                        family=family,
                        penalty=penalty,
                        setting=setting,
                        alpha=alpha,
                        standardize=standardize,
                        strength=strength,
                        model=model,
                        objective=objective,
                    )
                )
json.dump(
    dict(
        made=f"cvxpy {cp.__version__}, CLARABEL, numpy {np.__version__}",
        columns=x.T.tolist(),
        chain=chain,
        targets=dict(gaussian=numbers.tolist(), binomial=classes.tolist(), poisson=counts.tolist()),
        weights=weights.tolist(),
        offset=offset.tolist(),
        cases=cases,
    ),
    sys.stdout,
)
