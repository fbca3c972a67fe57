"""Coefficients by scikit-learn, at its tightest tolerances: python scikit_learn.py > scikit-learn.json"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor

warnings.simplefilter("ignore")
random = np.random.default_rng(11)
n, p = 36, 6
common = random.normal(size=n)
x = np.round(0.5 * common[:, None] + random.normal(size=(n, p)) * (1 + np.arange(p) / 3) + 0.3, 4)
eta = x @ np.array([1, -0.7, 0.4, 0, 0, 0.2]) + 0.2
targets = {
    "gaussian": np.round(eta * 2 + random.normal(size=n), 4),
    "binomial": (random.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float),
    "poisson": random.poisson(np.exp(eta / 2)).astype(float),
}
weights = np.round(random.uniform(0.5, 2, size=n), 2)


def fitted(family, alpha, strength, sample_weight, intercept):
    y = targets[family]
    if family == "gaussian":
        model = ElasticNet(alpha=strength, l1_ratio=alpha, tol=1e-15, max_iter=1_000_000, fit_intercept=intercept)
    elif family == "binomial":
        total = n if sample_weight is None else sample_weight.sum()
        common_options = dict(C=1 / (strength * total), tol=1e-14, max_iter=1_000_000, fit_intercept=intercept)
        if alpha == 0:
            model = LogisticRegression(solver="newton-cholesky", **common_options)
        else:
            model = LogisticRegression(solver="saga", penalty="elasticnet", l1_ratio=alpha, random_state=0, **common_options)
    else:
        model = PoissonRegressor(alpha=strength, solver="newton-cholesky", tol=1e-14, max_iter=10_000, fit_intercept=intercept)
    model.fit(x, y, sample_weight=sample_weight)
    return float(np.ravel(model.intercept_)[0]), [float(value) for value in np.ravel(model.coef_)]


cases = []
for family in targets:
    for alpha in (0,) if family == "poisson" else (1, 0.3, 0) if family == "binomial" else (1, 0.3):
        for weighted in (False, True):
            for intercept in (True, False):
                for strength in (0.3, 0.1, 0.02):
                    b0, b = fitted(family, alpha, strength, weights if weighted else None, intercept)
                    cases.append(
                        dict(family=family, alpha=alpha, weighted=weighted, intercept=intercept, strength=strength, b0=b0, b=b)
                    )

json.dump(
    dict(
        made=f"scikit-learn {sklearn.__version__}",
        columns=x.T.tolist(),
        targets={name: values.tolist() for name, values in targets.items()},
        weights=weights.tolist(),
        cases=cases,
    ),
    sys.stdout,
)
