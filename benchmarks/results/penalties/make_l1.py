"""Supports and coefficients of scikit-learn's l1 logistic regression on the standardised columns of wdbc: mean log loss + lambda * l1 norm,
intercept free. Run: BALLAST_DATASETS=... python make_l1.py > l1.json"""
import json
import os

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

path = os.path.join(os.environ["BALLAST_DATASETS"], "breast-cancer-wisconsin/wdbc_sklearn.csv")
table = np.loadtxt(path, delimiter=",", skiprows=1)
x, y = table[:, :30], table[:, 30]
x = (x - x.mean(0)) / x.std(0)
cases = []
for strength in [0.1, 0.03, 0.01, 0.003]:
    model = LogisticRegression(l1_ratio=1, solver="saga", C=1 / (len(y) * strength), tol=1e-9, max_iter=200_000)
    model.fit(x, y)
    cases.append({"lambda": strength, "coefficients": model.coef_[0].tolist(), "intercept": float(model.intercept_[0])})
print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))
