"""Coefficients of scikit-learn's LogisticRegression. Run: python make_logistic.py > logistic.json"""
import json
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(3)
cases = []
for rows, columns, penalty, separable in [(40, 3, 1.0, False), (30, 8, 0.1, False), (25, 40, 2.0, True), (60, 5, 100.0, False), (20, 2, 0.01, True)]:
    x = np.round(rng.normal(size=(rows, columns)), 3)
    score = x[:, 0] * 2 - x[:, 1] + (0 if separable else rng.normal(size=rows))
    y = score > 0.3
    model = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=100000, solver="newton-cholesky").fit(x, y)
    cases.append({"rows": rows, "columns": columns, "penalty": penalty, "x": x.flatten().tolist(), "positive": y.tolist(),
                  "weights": model.coef_[0].tolist(), "intercept": model.intercept_[0]})
print(json.dumps({"sklearn": sklearn.__version__, "cases": cases}))
