"""Normal-score correlations of scipy and of the copulas package: python copula.py > copula.json

pip install copulas==0.14.1 scipy==1.17.1 scikit-learn==1.9.1
"""

import json

import numpy as np
import pandas as pd
from copulas.multivariate import GaussianMultivariate
from copulas.univariate import GaussianKDE
from scipy import stats

rng = np.random.default_rng(5)
truth = np.array([[1, 0.7, -0.4, 0.5], [0.7, 1, 0, 0.3], [-0.4, 0, 1, -0.2], [0.5, 0.3, -0.2, 1]])
rows = 600
z = rng.multivariate_normal(np.zeros(4), truth, size=rows)
u = stats.norm.cdf(z)
columns = np.column_stack(
    [
        stats.lognorm.ppf(u[:, 0], 0.8),
        stats.gamma.ppf(u[:, 1], 2),
        stats.beta.ppf(u[:, 2], 0.5, 0.5),
        stats.t.ppf(u[:, 3], 3),
    ]
).astype(np.float32)

ranks = stats.rankdata(columns, axis=0)
scores = stats.norm.ppf(ranks / (rows + 1))

model = GaussianMultivariate(distribution=GaussianKDE)
model.fit(pd.DataFrame(columns.astype(float), columns=list("abcd")))

# One latent variable seen as four categories in order, and one as counts.
cut = np.digitize(z[:, 3], [-0.8, 0.1, 1.0])
counts = stats.poisson.ppf(u[:, 0], 1.5)

print(
    json.dumps(
        {
            "truth": truth.tolist(),
            "columns": columns.tolist(),
            "scipy": np.corrcoef(scores.T).tolist(),
            "copulas": np.asarray(model.correlation).tolist(),
            "categories": cut.tolist(),
            "counts": counts.tolist(),
        }
    )
)
