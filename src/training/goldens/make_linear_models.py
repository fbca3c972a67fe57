"""Coefficients of scikit-learn's penalized linear models. Run: python make_linear_models.py > linear-models.json"""
import json
import warnings
import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

warnings.simplefilter("ignore")
rng = np.random.default_rng(23)
n, p = 120, 10
f32 = lambda a: np.asarray(a, dtype=np.float32).astype(np.float64)
X = rng.normal(size=(n, p))
X[:, 1] = 0.9 * X[:, 0] + 0.3 * X[:, 1]
X[:, 4] = -0.7 * X[:, 3] + 0.5 * X[:, 4]
X = f32((X - X.mean(0)) / X.std(0))
beta = np.array([1.5, 0, 0, -1, 0.5, 0, 0.2, 0, 0, 0.05])
y = X @ beta + 0.8 * rng.normal(size=n)
y = f32(y / y.std() + 0.3)
w = f32(rng.uniform(0.1, 3, size=n))
scores = X @ rng.normal(size=(p, 3)) * 0.6 + np.array([0.5, 0, -0.5]) + rng.gumbel(size=(n, 3))
labels = scores.argmax(1)
out = {"sklearn": sklearn.__version__, "X": X.tolist(), "y": y.tolist(), "weights": w.tolist(), "labels": labels.tolist(), "regression": [], "classification": []}


def add(title, entry, model, weighted=False):
    model.fit(X, y, sample_weight=w if weighted else None)
    out["regression"].append({"title": title, "entry": entry, "weighted": weighted,
                              "coefficients": model.coef_.tolist(), "intercept": float(model.intercept_)})


exact = dict(tol=1e-12, max_iter=1_000_000)
for s in [0.01, 0.1, 0.4]:
    add(f"Lasso {s}", {"type": "l1", "strength": s}, Lasso(alpha=s, **exact))
for s in [0.001, 0.1, 2.0]:
    add(f"Ridge {s}", {"type": "l2", "strength": s}, Ridge(alpha=n * s, solver="cholesky"))
for s, ratio in [(0.05, 0.5), (0.3, 0.2), (0.2, 0.9)]:
    add(f"ElasticNet {s} {ratio}", {"type": "elastic-net", "strength": s, "l1Ratio": ratio}, ElasticNet(alpha=s, l1_ratio=ratio, **exact))
add("Lasso weighted", {"type": "l1", "strength": 0.1}, Lasso(alpha=0.1, **exact), weighted=True)
add("Ridge weighted", {"type": "l2", "strength": 0.1}, Ridge(alpha=w.sum() * 0.1, solver="cholesky"), weighted=True)
for s in [0.01, 0.1]:
    model = LogisticRegression(C=1 / (n * s), solver="newton-cg", tol=1e-10, max_iter=10_000).fit(X, labels)
    out["classification"].append({"title": f"L2 {s}", "entry": {"type": "l2", "strength": s},
                                  "coefficients": model.coef_.T.tolist(), "intercept": (model.intercept_ - model.intercept_.mean()).tolist()})
for s in [0.02, 0.08]:
    model = LogisticRegression(C=1 / (n * s), l1_ratio=1, penalty="l1", solver="saga", tol=1e-9, max_iter=1_000_000).fit(X, labels)
    out["classification"].append({"title": f"L1 {s}", "entry": {"type": "l1", "strength": s},
                                  "coefficients": model.coef_.T.tolist(), "intercept": (model.intercept_ - model.intercept_.mean()).tolist()})
print(json.dumps(out))
