"""Writes intervals.json: intervals and moments by scipy and NumPy, DeLong's variance from its definition by placements.
Run: python make_intervals.py"""

import json
import os
import numpy as np, scipy, sklearn
from scipy import stats
from sklearn.metrics import roc_auc_score

random = np.random.default_rng(20)
proportions = []
for k, n in [(0, 10), (3, 10), (10, 10), (1, 1), (47, 50), (999, 1000), (12345, 100000)]:
    for level in [0.9, 0.95, 0.99]:
        test = stats.binomtest(k, n)
        wilson = test.proportion_ci(level, method="wilson")
        exact = test.proportion_ci(level, method="exact")
        proportions.append({"k": k, "n": n, "level": level, "wilson": [wilson.low, wilson.high], "exact": [exact.low, exact.high]})

values = random.gamma(2, 3, 25)
interval = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
weights = random.integers(1, 5, 25).astype(float)
t = {
    "values": values.tolist(),
    "interval": list(map(float, interval)),
    "mean": values.mean(),
    "variance": values.var(ddof=1),
    "weights": weights.tolist(),
    "weightedMean": np.average(values, weights=weights),
    "weightedVariance": np.cov(values, aweights=weights, ddof=0).item(),
    "quantiles": [[q, float(np.quantile(values, q))] for q in [0, 0.01, 0.25, 0.5, 0.83, 1]],
    "weightedQuantiles": [[q, float(np.quantile(values, q, weights=weights, method="inverted_cdf"))] for q in [0.01, 0.25, 0.5, 0.83, 1]],
}

bootstraps = []
for method in ["percentile", "basic", "BCa"]:
    result = stats.bootstrap((values,), np.mean, n_resamples=499, method=method, rng=np.random.default_rng(3))
    bootstraps.append({
        "method": method,
        "distribution": np.sort(result.bootstrap_distribution).tolist(),
        "interval": [float(result.confidence_interval.low), float(result.confidence_interval.high)],
    })


def delong(y, scores):
    """Areas and covariance matrix of several scores on the same rows, from the definition."""
    positive, negative = scores[:, y == 1], scores[:, y == 0]
    wins = (positive[:, :, None] > negative[:, None, :]) + 0.5 * (positive[:, :, None] == negative[:, None, :])
    v10, v01 = wins.mean(axis=2), wins.mean(axis=1)
    return wins.mean(axis=(1, 2)), np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]


y = (random.random(60) < 0.4).astype(int)
scores = np.round(np.stack([y + random.normal(0, 1, 60), y + random.normal(0, 1.6, 60)]), 1)
areas, covariance = delong(y, scores)
assert np.allclose(areas, [roc_auc_score(y, s) for s in scores])
row_weights = random.random(60) + 0.1
curve = {
    "y": y.tolist(),
    "scores": scores.tolist(),
    "areas": areas.tolist(),
    "covariance": covariance.tolist(),
    "weights": row_weights.tolist(),
    "weightedAreas": [roc_auc_score(y, s, sample_weight=row_weights) for s in scores],
}

document = {
    "made_with": {"scipy": scipy.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    "proportions": proportions,
    "t": t,
    "bootstraps": bootstraps,
    "delong": curve,
}
with open(os.path.join(os.path.dirname(__file__), "intervals.json"), "w") as file:
    json.dump(document, file)
    file.write("\n")
