"""Golden values of the search room, from scipy: python make.py > scipy.json"""

import json

import numpy as np
from scipy.stats import qmc, wilcoxon

random = np.random.default_rng(1)
ranks = []
for count in (3, 5, 8, 12, 20):
    for shift in (0.0, 0.5, 1.5):
        values = random.normal(shift, 1, count)
        p = wilcoxon(values, alternative="greater", method="exact").pvalue
        ranks.append({"differences": values.tolist(), "p": p})

print(json.dumps({"sobol": qmc.Sobol(64, scramble=False).random(16).tolist(), "signedRank": ranks}))
