"""Fold sizes and members of scikit-learn's splitters. Run: python make_folds.py > folds.json"""
import json
import numpy as np
import sklearn
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit

cases = {"sklearn": sklearn.__version__, "stratified": [], "group": [], "time": []}
for counts, folds in [([50, 30, 20], 5), ([7, 3], 3), ([13, 11, 9, 5], 4), ([101, 10], 10)]:
    y = np.repeat(np.arange(len(counts)), counts)
    shares = [np.bincount(y[v], minlength=len(counts)).tolist()
              for _, v in StratifiedKFold(folds).split(np.zeros(len(y)), y)]
    cases["stratified"].append({"counts": counts, "folds": folds, "shares": shares})
for sizes, folds in [([10, 8, 6, 5, 4, 3, 2, 1], 3), ([1, 2, 3, 4, 5, 6, 7], 2), ([30, 1, 7, 12, 9, 4, 20], 4)]:
    g = np.repeat(np.arange(len(sizes)), sizes)
    members = [sorted(set(g[v].tolist())) for _, v in GroupKFold(folds).split(np.zeros(len(g)), groups=g)]
    cases["group"].append({"sizes": sizes, "folds": folds, "members": members})
for n, folds in [(12, 3), (23, 4), (10, 2)]:
    parts = [[len(t), v.tolist()] for t, v in TimeSeriesSplit(folds).split(np.zeros(n))]
    cases["time"].append({"rows": n, "folds": folds, "parts": parts})
print(json.dumps(cases))
