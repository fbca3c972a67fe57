"""Generalized lassos by scikit-learn, smoothing by its closed form. Run: python make_fused_lasso.py > fused-lasso.json

sum |D^order w| of a linear model becomes an ordinary lasso in theta = D^order w: w = L theta + N c, where the order free
coefficients c (and the intercept) are projected out of y and of the columns of X L."""
import json
import numpy as np
import sklearn
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(12)
n, p = 50, 14
X = np.round(StandardScaler().fit_transform(rng.normal(size=(n, p))), 5)
truth = np.r_[np.ones(5), -np.ones(4) * 0.5, np.zeros(5)] + 0.05 * np.arange(p)
y = np.round(X @ truth + rng.normal(size=n), 4)
y -= y.mean(); X = X - X.mean(0)
X, y = np.round(X, 6), np.round(y, 6)
D1 = lambda k: np.diff(np.eye(k), axis=0)
cases = []
for order in (1, 2):
    D = D1(p) if order == 1 else D1(p - 1) @ D1(p)
    free = np.vander(np.arange(p) / p, order)  # the null space of D
    L = np.linalg.pinv(D)  # D L = I on the range
    A, B = X @ L, np.c_[X @ free, np.ones(n)]
    P = np.eye(n) - B @ np.linalg.pinv(B)
    for strength in (0.02, 0.1, 0.4):
        theta = Lasso(alpha=strength, fit_intercept=False, tol=1e-15, max_iter=10**6).fit(P @ A, P @ y).coef_
        c = np.linalg.pinv(B) @ (y - A @ theta)
        w = L @ theta + free @ c[:order]
        cases.append({"order": order, "norm": "l1", "strength": strength, "weights": w.tolist(), "intercept": c[order],
                      "zeros": [bool(abs(v) < 1e-9) for v in theta]})
        S = np.block([[X.T @ X / n + strength * D.T @ D, X.mean(0)[:, None]], [X.mean(0)[None, :], np.ones((1, 1))]])
        smooth = np.linalg.solve(S, np.r_[X.T @ y / n, y.mean()])
        cases.append({"order": order, "norm": "l2", "strength": strength, "weights": smooth[:p].tolist(), "intercept": smooth[p]})
print(json.dumps({"sklearn": sklearn.__version__, "X": X.tolist(), "y": y.tolist(), "cases": cases}))
