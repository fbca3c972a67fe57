"""Group lasso by scikit-learn's MultiTaskLasso and by FISTA with numpy. Run: python make_group_lasso.py > group-lasso.json

softmax: minimizes the mean cross-entropy + strength * sum over inputs of sqrt(classes) ||W[input, :]||_2 with free
intercepts, to a subgradient below 1e-9 (checked here), which no estimator of scikit-learn does."""
import json
import numpy as np
import sklearn
from sklearn.linear_model import MultiTaskLasso
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(2)
n, p, k = 60, 8, 3
X = StandardScaler().fit_transform(np.round(rng.normal(size=(n, p)), 3))
X = np.round(X, 5)
labels = np.argmax(X[:, :3] @ rng.normal(size=(3, k)) * 1.5 + rng.gumbel(size=(n, k)), axis=1)
Y = np.eye(k)[labels]


def fista(strength):
    step = 1 / (0.5 * np.linalg.norm(np.c_[X, np.ones(n)], 2) ** 2 / n)
    w = v = np.zeros((p, k)); c = d = np.zeros(k); t = 1.0
    threshold = strength * np.sqrt(k)
    for _ in range(200000):
        z = X @ v + d
        e = np.exp(z - z.max(1, keepdims=True)); probability = e / e.sum(1, keepdims=True)
        g, h = X.T @ (probability - Y) / n, (probability - Y).mean(0)
        u = v - step * g
        norm = np.linalg.norm(u, axis=1, keepdims=True)
        w2 = u * np.maximum(1 - step * threshold / np.maximum(norm, 1e-300), 0)
        c2 = d - step * h
        t2 = (1 + np.sqrt(1 + 4 * t * t)) / 2
        if np.sum((v - w2) * (w2 - w)) > 0:
            t2 = 1.0
        v, d = w2 + (t - 1) / t2 * (w2 - w), c2 + (t - 1) / t2 * (c2 - c)
        w, c, t = w2, c2, t2
    z = X @ w + c
    e = np.exp(z - z.max(1, keepdims=True)); probability = e / e.sum(1, keepdims=True)
    g = X.T @ (probability - Y) / n
    for row, gradient in zip(w, g):
        norm = np.linalg.norm(row)
        violation = np.linalg.norm(gradient + threshold * row / norm) if norm > 0 else max(0, np.linalg.norm(gradient) - threshold)
        assert violation < 1e-9, violation
    return {"strength": strength, "weights": w.tolist()}


# The block step itself: MultiTaskLasso on an orthonormal design is one block soft threshold.
Q, _ = np.linalg.qr(rng.normal(size=(12, 5)))
W = np.round(rng.normal(size=(5, 4)), 3)
blocks = []
for alpha in [0.05, 0.15, 0.3]:
    fit = MultiTaskLasso(alpha=alpha, fit_intercept=False, tol=1e-14, max_iter=100000).fit(Q, Q @ W)
    blocks.append({"threshold": alpha * len(Q), "result": fit.coef_.T.tolist()})
print(json.dumps({"sklearn": sklearn.__version__, "W": W.tolist(), "blocks": blocks, "X": X.tolist(), "labels": labels.tolist(),
                  "softmax": [fista(s) for s in [0.02, 0.05, 0.1]]}))
