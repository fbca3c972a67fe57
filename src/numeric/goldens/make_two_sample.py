"""Two-sample tests of scipy. Run: python make_two_sample.py > two-sample.json"""
import json
import numpy as np
import scipy
from scipy import special, stats

rng = np.random.default_rng(3)
out = {"scipy": scipy.__version__, "ks": [], "ksLarge": [], "chiSquare": [], "benjaminiHochberg": []}
for n, m, shift, decimals in [(7, 9, 0.0, 9), (20, 31, 0.8, 9), (50, 50, 0.5, 9), (40, 60, 0.2, 1), (1, 5, 3.0, 9), (200, 150, 0.4, 9)]:
    a, b = np.round(rng.normal(size=n), decimals), np.round(rng.normal(shift, size=m), decimals)
    r = stats.ks_2samp(a, b, method="exact")
    out["ks"].append({"a": a.tolist(), "b": b.tolist(), "statistic": r.statistic, "pValue": r.pvalue})
for n, m, top in [(1100, 1000, 950), (1100, 1000, 900)]:
    a, b = rng.integers(0, 1000, size=n), rng.integers(0, top, size=m)
    d = stats.ks_2samp(a, b).statistic
    out["ksLarge"].append({"a": a.tolist(), "b": b.tolist(), "statistic": d,
                           "pValue": special.kolmogorov(np.sqrt(n * m / (n + m)) * d)})
for table in [[[10, 20, 30], [12, 18, 33]], [[5, 50], [30, 20]], [[100, 0, 3], [90, 0, 12], [80, 0, 1]]]:
    used = np.array(table)[:, np.array(table).sum(0) > 0]
    r = stats.chi2_contingency(used, correction=False)
    out["chiSquare"].append({"table": table, "statistic": r.statistic, "df": r.dof, "pValue": r.pvalue,
                             "cramersV": stats.contingency.association(used, method="cramer")})
for n in [1, 5, 40]:
    p = rng.random(n) ** 3
    out["benjaminiHochberg"].append({"pValues": p.tolist(), "adjusted": stats.false_discovery_control(p).tolist()})
print(json.dumps(out))
