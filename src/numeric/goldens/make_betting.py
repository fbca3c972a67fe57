"""Writes betting.json: confidence sequences for means by ville (hedged capital of Waudby-Smith and Ramdas; Beta mixture for shares).
Run in an environment with ville: python make_betting.py"""

import json
import os
import numpy as np, ville

random = np.random.default_rng(24)
streams = {
    "a rare share": (random.random(4000) < 0.05).astype(float),
    "a share": (random.random(800) < 0.3).astype(float),
    "uniform values": np.round(random.random(600), 2),
    "small values": np.round(random.beta(2, 18, 1500), 2),
}
means = {"a rare share": 0.05, "a share": 0.3, "uniform values": 0.5, "small values": 0.1}
cases = []
for name, values in streams.items():
    counts = dict(zip(*[part.tolist() for part in np.unique(values, return_counts=True)]))
    betting = ville.BettingCS(alpha=0.05, intersect=False).fit(values)
    binary = set(counts) <= {0.0, 1.0}
    case = {
        "name": name,
        "mean": means[name],
        "counts": list(map(list, counts.items())),
        "betting": [float(betting.lower_[-1]), float(betting.upper_[-1])],
    }
    if binary:
        mixture = ville.BernoulliCS(alpha=0.05, intersect=False).fit(values)
        case["mixture"] = [float(mixture.lower_[-1]), float(mixture.upper_[-1])]
    cases.append(case)

with open(os.path.join(os.path.dirname(__file__), "betting.json"), "w") as file:
    json.dump({"made_with": {"ville": ville.__version__, "numpy": np.__version__}, "cases": cases}, file)
    file.write("\n")
