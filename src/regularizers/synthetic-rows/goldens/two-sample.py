"""Two samples compared by scipy and scikit-learn: python two-sample.py > two-sample.json

pip install scikit-learn==1.9.1 scipy==1.17.1
"""

import json

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(11)


def sample(rows, shift, weights):
    numbers = rng.normal(size=(rows, 3)) + [0, shift, 0]
    codes = rng.choice(3, size=rows, p=weights)
    marks = rng.random(rows) < 0.3
    return np.column_stack([numbers, np.eye(3)[codes], marks]).astype(np.float32).astype(float)


cases = []
for shift, weights in ((0, [0.5, 0.3, 0.2]), (0.8, [0.2, 0.3, 0.5])):
    real = sample(90, 0, [0.5, 0.3, 0.2])
    made = sample(80, shift, weights)
    pvalues = [stats.ks_2samp(real[:, j], made[:, j], method="exact").pvalue for j in range(3)]
    pvalues.append(stats.chi2_contingency([real[:, 3:6].sum(0), made[:, 3:6].sum(0)], correction=False).pvalue)
    marks = [[(part[:, 6] == v).sum() for v in (0, 1)] for part in (real, made)]
    pvalues.append(stats.chi2_contingency(marks, correction=False).pvalue)
    adjusted = stats.false_discovery_control(pvalues)
    both = np.concatenate([real, made])
    both = both / both.std(0)
    k = round(np.sqrt(len(both)))
    neighbours = NearestNeighbors(n_neighbors=k).fit(both).kneighbors(return_distance=False)
    labels = np.arange(len(both)) >= len(real)
    cases.append(
        {
            "real": real.tolist(),
            "made": made.tolist(),
            "differs": [[0, 1, 2, 3, 6][i] for i in np.flatnonzero(adjusted <= 0.05)],
            "largest": max(stats.ks_2samp(real[:, j], made[:, j]).statistic for j in range(3)),
            "area": roc_auc_score(labels, labels[neighbours].sum(1)),
        }
    )
print(json.dumps(cases))
