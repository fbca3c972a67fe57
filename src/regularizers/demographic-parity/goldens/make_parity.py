"""Signed violations of demographic parity and equalized odds by fairlearn, for soft predictions, and multipliers after steps of
exponentiated gradient as in fairlearn.reductions.ExponentiatedGradient. Run: python make_parity.py > parity.json"""
import json
import fairlearn
import numpy as np
import pandas as pd
from fairlearn.reductions import DemographicParity, EqualizedOdds

rng = np.random.default_rng(61)
cases = []
for rows, groups in [(20, 2), (40, 3), (25, 2)]:
    codes = np.concatenate([np.tile(np.arange(groups), 2), rng.integers(0, groups, size=rows - 2 * groups)])
    labels = np.concatenate([np.repeat([0, 1], groups), rng.integers(0, 2, size=rows - 2 * groups)])
    p = np.round(rng.uniform(size=rows), 4)
    X = pd.DataFrame({"p": p})
    case = {"codes": codes.tolist(), "labels": labels.tolist(), "probabilities": p.tolist(), "groups": groups}
    for name, moment in [("all", DemographicParity()), ("class", EqualizedOdds())]:
        moment.load_data(X, pd.Series(labels), sensitive_features=pd.Series(codes))
        gamma = moment.gamma(lambda X: X["p"])["+"]
        events = ["all"] if name == "all" else ["label=0", "label=1"]
        case[name] = [[gamma[(event, group)] for event in events] for group in range(groups)]
    # lambda = B exp(theta) / (1 + sum exp(theta)), theta += eta (gamma - eps)
    violations = np.ravel(case["all"])
    theta = np.zeros(2 * len(violations))
    for _ in range(3):
        theta += 20 * (np.concatenate([violations, -violations]) - 0.01)
    multipliers = 5 * np.exp(theta) / (1 + np.exp(theta).sum())
    case["multipliers"] = (multipliers[: len(violations)] - multipliers[len(violations):]).tolist()
    cases.append(case)
print(json.dumps({"fairlearn": fairlearn.__version__, "cases": cases}))
