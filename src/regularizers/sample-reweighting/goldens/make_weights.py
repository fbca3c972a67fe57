"""Class-balanced weights (Cui et al. 2019, equation 6, scaled to sum to the number of classes). Run: python make_weights.py > weights.json"""
import json
import numpy as np

cases = []
for rows in ([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50], [10923, 260], [3, 0, 9]):
    for beta in (0.9, 0.99, 0.999, 0.9999):
        effective = 1.0 - np.power(beta, np.maximum(1, rows))
        weights = (1.0 - beta) / effective
        cases.append({"rows": rows, "beta": beta, "weights": (weights / np.sum(weights) * len(rows)).tolist()})
print(json.dumps({"numpy": np.__version__, "cases": cases}))
