"""Danger sets, neighbours and moments of imbalanced-learn's SMOTE: python smote.py > smote.json

pip install imbalanced-learn==0.14.2 scikit-learn==1.9.1
"""

import json

import imblearn
import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC, BorderlineSMOTE

rng = np.random.default_rng(3)


def exact(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


rows = 160
labels = np.array([0] * 100 + [1] * 40 + [2] * 20)
centres = np.array([[0, 0, 0], [1.2, 0.4, 0], [-0.5, 1.5, 0.8]])
points = exact(centres[labels] + rng.normal(size=(rows, 3)) * [1, 0.7, 1.3])

borderline = BorderlineSMOTE(random_state=0)
borderline.fit_resample(points, labels)
danger = {}
for c in (1, 2):
    borderline.nn_m_.fit(points)
    found = borderline._in_danger_noise(borderline.nn_m_, points[labels == c], c, labels, kind="danger")
    danger[str(c)] = np.flatnonzero(found).tolist()

plain = SMOTE(random_state=0)
plain.fit_resample(points, labels)
neighbours = {}
for c in (1, 2):
    members = points[labels == c]
    plain.nn_k_.fit(members)
    neighbours[str(c)] = plain.nn_k_.kneighbors(members, return_distance=False)[:, 1:].tolist()

# Moments over many rows: 20 x 10,000 of class 2.
many = []
for seed in range(20):
    sampler = SMOTE(sampling_strategy={2: 10_020}, random_state=seed)
    made, made_labels = sampler.fit_resample(points, labels)
    many.append(made[rows:])
many = np.concatenate(many)

# Two numbers and a category of three; the rarer class is 1.
nc_rows = 60
nc_labels = np.array([0] * 40 + [1] * 20)
nc_numbers = exact(rng.normal(size=(nc_rows, 2)) * [1, 2] + nc_labels[:, None])
nc_codes = rng.integers(0, 3, size=nc_rows)
mixed = np.column_stack([nc_numbers, nc_codes.astype(float)])
nominal = SMOTENC(categorical_features=[2], random_state=0)
nc_made, _ = nominal.fit_resample(mixed, nc_labels)
encoded = nominal.nn_k_._fit_X
encoded = encoded.toarray() if hasattr(encoded, "toarray") else encoded

print(
    json.dumps(
        {
            "imblearn": imblearn.__version__,
            "points": points.tolist(),
            "labels": labels.tolist(),
            "danger": danger,
            "neighbours": neighbours,
            "moments": {
                "rows": len(many),
                "mean": many.mean(0).tolist(),
                "covariance": np.cov(many.T).tolist(),
            },
            "nominal": {
                "numbers": nc_numbers.tolist(),
                "codes": nc_codes.tolist(),
                "labels": nc_labels.tolist(),
                "neighbours": nominal.nn_k_.kneighbors(encoded, return_distance=False)[:, 1:].tolist(),
                "encodedUnit": float(np.unique(encoded[:, 2:])[-1]),
                "codeShares": np.bincount(nc_made[nc_rows:, 2].astype(int), minlength=3).tolist(),
            },
        }
    )
)
