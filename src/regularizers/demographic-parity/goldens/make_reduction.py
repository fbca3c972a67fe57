"""Relabelled rows and their weights as fairlearn.reductions.ExponentiatedGradient makes them of multipliers, and mixtures of
classifiers by scipy.optimize.linprog. Run: python make_reduction.py > reduction.json"""
import json
import fairlearn
import numpy as np
import pandas as pd
from fairlearn.reductions import DemographicParity, EqualizedOdds, ErrorRate
from scipy.optimize import linprog

rng = np.random.default_rng(62)
relabelled, mixtures = [], []
for rows, groups in [(20, 2), (40, 3)]:
    codes = np.concatenate([np.tile(np.arange(groups), 2), rng.integers(0, groups, size=rows - 2 * groups)])
    labels = np.concatenate([np.repeat([0, 1], groups), rng.integers(0, 2, size=rows - 2 * groups)])
    X, y, a = pd.DataFrame({"x": np.zeros(rows)}), pd.Series(labels), pd.Series(codes)
    case = {"codes": codes.tolist(), "labels": labels.tolist(), "groups": groups}
    for name, moment, events in [("all", DemographicParity(), ["all"]), ("class", EqualizedOdds(), ["label=0", "label=1"])]:
        moment.load_data(X, y, sensitive_features=a)
        error = ErrorRate()
        error.load_data(X, y, sensitive_features=a)
        multipliers = np.round(rng.normal(scale=0.3, size=(groups, len(events))), 3)
        lam = pd.Series(0.0, index=moment.index)
        for g in range(groups):
            for e, event in enumerate(events):
                lam[("+" if multipliers[g, e] > 0 else "-", event, g)] = abs(multipliers[g, e])
        signed = error.signed_weights() + moment.signed_weights(lam)
        case[name] = {"multipliers": multipliers.tolist(), "labels": (signed > 0).astype(int).tolist(),
                      "weights": np.abs(signed).tolist()}
    relabelled.append(case)
for members, constraints, bound in [(2, 2, 10), (5, 4, 10), (12, 4, 100), (20, 8, 5), (8, 6, 0.1), (1, 2, 1)]:
    errors = np.round(rng.uniform(0.1, 0.4, size=members), 4)
    excesses = np.round(rng.normal(scale=0.1, size=(constraints, members)), 4) - 0.01
    found = linprog(np.append(errors, bound), A_ub=np.hstack([excesses, -np.ones((constraints, 1))]),
                    b_ub=np.zeros(constraints), A_eq=[[1] * members + [0]], b_eq=[1], bounds=(0, None))
    mixtures.append({"errors": errors.tolist(), "excesses": excesses.tolist(), "bound": bound, "value": found.fun})
print(json.dumps({"fairlearn": fairlearn.__version__, "relabelled": relabelled, "mixtures": mixtures}))
