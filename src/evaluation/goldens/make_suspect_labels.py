"""Suspect labels as cleanlab finds them. Run: python make_suspect_labels.py > suspect-labels.json"""
import json
import cleanlab
import numpy as np
from cleanlab.count import compute_confident_joint, estimate_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues

rng = np.random.default_rng(5)
cases = []
for rows, classes, noise in [(400, 4, 0.25), (250, 2, 0.1), (300, 6, 0.4), (120, 3, 0.0)]:
    truth = rng.integers(0, classes, size=rows)
    labels = np.where(rng.uniform(size=rows) < noise, rng.integers(0, classes, size=rows), truth)
    logits = rng.normal(size=(rows, classes)) + 2.5 * np.eye(classes)[truth]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    p = np.round(p, 5)
    p[:, -1] = 1 - p[:, :-1].sum(1)
    issues = find_label_issues(labels, p, return_indices_ranked_by="normalized_margin", n_jobs=1)
    cases.append({
        "labels": labels.tolist(), "classes": classes, "probabilities": p.ravel().tolist(),
        "thresholds": get_confident_thresholds(labels, p).tolist(),
        "confident": compute_confident_joint(labels, p, calibrate=False).tolist(),
        "joint": estimate_joint(labels, p).tolist(), "suspects": issues.tolist(),
    })
print(json.dumps({"cleanlab": cleanlab.__version__, "cases": cases}))
