"""Writes calibrators.json: maps of scikit-learn (isotonic; sigmoid, converged further by SciPy on the same objective), the
temperature of least log loss and vector scaling by SciPy, on small seeded samples. Run: python make_calibrators.py"""

import json
import os

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax, xlogy
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

random = np.random.default_rng(7)
cases = []


def platt(score, y, weights):
    """Platt's objective on a score, from where scikit-learn left it to a gradient of 1e-12."""
    start = _SigmoidCalibration().fit(score, y, weights)
    w = np.ones_like(score) if weights is None else weights
    n1, n0 = w[y == 1].sum(), w[y == 0].sum()
    t = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def objective(p):
        z = p[0] * score + p[1]
        e = expit(z)
        loss = np.sum(w * (np.logaddexp(0, z) - t * z)) / w.sum()
        g = w * (e - t) / w.sum()
        return loss, np.array([np.sum(g * score), np.sum(g)])

    best = minimize(objective, [-start.a_, -start.b_], jac=True, method="BFGS", options={"gtol": 1e-12})
    return {"slope": best.x[0], "intercept": best.x[1], "sklearn": [-start.a_, -start.b_]}


for classes, rows, weighted in [(2, 120, False), (2, 200, True), (4, 300, False)]:
    z = random.normal(size=(rows, classes)) * 2
    y = np.array([random.choice(classes, p=softmax(row / 2.5)) for row in z])
    w = random.uniform(0.2, 2, rows) if weighted else None
    ww = np.ones(rows) if w is None else w
    temperature = minimize_scalar(
        lambda b: -np.sum(ww * log_softmax(z * b, axis=1)[np.arange(rows), y]),
        bounds=(1e-3, 10), method="bounded", options={"xatol": 1e-13})

    def vector(p):
        scale, shift = p[:classes], p[classes:]
        loss = -np.sum(ww * log_softmax(z * scale + shift, axis=1)[np.arange(rows), y]) / ww.sum()
        return loss + 0.5e-6 * (np.sum((scale - 1) ** 2) + np.sum(shift**2))

    best = minimize(vector, np.r_[np.ones(classes), np.zeros(classes)], method="BFGS", options={"gtol": 1e-10})
    p = softmax(z, axis=1)
    grid = np.linspace(0.001, 0.999, 41)
    per_class = []
    for k in [1] if classes == 2 else range(classes):
        hit = (y == k).astype(float)
        iso = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(p[:, k], hit, w)
        per_class.append({"isotonic": iso.predict(grid).tolist(), "platt": platt(logit(p[:, k]), hit, w)})
    cases.append({
        "classes": classes, "scores": z.ravel().tolist(), "target": y.tolist(),
        "weights": None if w is None else w.tolist(), "temperature": 1 / temperature.x,
        "vectorLoss": vector(best.x), "vector": best.x.tolist(), "grid": grid.tolist(), "perClass": per_class})

# Beta calibration: unconstrained logistic regression on (ln p, -ln(1 - p)), where both coefficients are positive.
z = cases[0]
p = softmax(np.array(z["scores"]).reshape(-1, 2), axis=1)[:, 1]
y = np.array(z["target"])


def beta(q):
    s = q[0] * np.log(p) - q[1] * np.log1p(-p) + q[2]
    return np.mean(np.logaddexp(0, s) - y * s)


best = minimize(beta, [1, 1, 0], method="BFGS", options={"gtol": 1e-10})
out = {"cases": cases, "beta": {"coefficients": best.x.tolist(), "loss": best.fun}}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calibrators.json")
with open(path, "w") as file:
    json.dump(out, file)
    file.write("\n")
print(best.x, [c["temperature"] for c in cases], [c["perClass"][0]["platt"] for c in cases])
