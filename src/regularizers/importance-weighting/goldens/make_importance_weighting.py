"""Density ratios from scikit-learn's classifier of domains. Run: python make_importance_weighting.py > importance-weighting.json"""
import json
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(8)
cases = []
for source, target, columns, penalty, limit in [(30, 20, 2, 1.0, 10.0), (25, 40, 4, 0.5, 2.0), (40, 10, 3, 10.0, 100.0)]:
    x = np.round(np.concatenate([rng.normal(size=(source, columns)), rng.normal(size=(target, columns)) + 0.8]), 3)
    is_target = np.arange(source + target) >= source
    z = StandardScaler().fit_transform(x)
    model = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=100000, solver="newton-cholesky").fit(z, is_target)
    p = model.predict_proba(z[:source])[:, 1]
    ratio = p / (1 - p) * source / target
    ratio = np.minimum(ratio / ratio.mean(), limit)
    ratio = ratio / ratio.mean()
    cases.append({"rows": source + target, "columns": columns, "penalty": penalty, "limit": limit, "x": x.flatten().tolist(),
                  "isTarget": is_target.tolist(), "ratios": ratio.tolist(),
                  "effective": float(ratio.sum() ** 2 / (ratio**2).sum())})
print(json.dumps({"sklearn": sklearn.__version__, "cases": cases}))
