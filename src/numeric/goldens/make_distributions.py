"""Writes distributions.json: distribution functions by mpmath with 320 digits where it converges, else by scipy. Run: python make_distributions.py"""

import json
import os
import numpy, scipy, mpmath
from scipy import stats, special

mpmath.mp.dps = 320
mpf = mpmath.mpf


def beta_tails(x, a, b):
    """I_x(a, b) and 1 - I_x(a, b); scipy where the series of mpmath does not converge."""
    if a + b > 1000:
        return special.betainc(float(a), float(b), float(x)), special.betaincc(float(a), float(b), float(x))
    lower = mpmath.betainc(mpf(a), mpf(b), 0, x, regularized=True)
    upper = mpmath.betainc(mpf(b), mpf(a), 0, 1 - x, regularized=True)
    return float(lower), float(upper)


rows = []


def add(name, args, value):
    value = float(value)
    if numpy.isfinite(value) and (value == 0 or abs(value) > 1e-290):
        rows.append([name, [float(a) for a in args], value])


for z in [-37, -20, -10, -5.5, -3, -1.96, -1, -0.3, -1e-8, 0, 1e-5, 0.5, 1, 2, 4, 7, 8.2]:
    add("normalCdf", [z], mpmath.ncdf(mpf(z)))
    add("normalSf", [z], mpmath.ncdf(-mpf(z)))
for p in [1e-280, 1e-100, 1e-20, 1e-10, 1e-5, 0.001, 0.025, 0.2, 0.4999, 0.5, 0.6, 0.975, 0.999999]:
    add("normalQuantile", [p], stats.norm.ppf(p))
for df in [1, 2, 3, 4.5, 10, 30, 200, 1e4, 1e6, 1e8]:
    for t in [-40, -8, -2, -0.5, -1e-4, 0.1, 1, 2.5, 6]:
        outside = mpmath.betainc(mpf(df) / 2, mpf(1) / 2, 0, mpf(df) / (mpf(df) + mpf(t) ** 2), regularized=True) if df <= 200 else None
        if outside is None:
            tail = 0.5 * stats.t.sf(abs(t), df) * 2
            outside = 2 * tail
        upper = outside / 2
        add("studentTCdf", [t, df], upper if t < 0 else 1 - upper)
        add("studentTSf", [t, df], 1 - upper if t < 0 else upper)
    for p in [1e-12, 1e-4, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999]:
        add("studentTQuantile", [p, df], stats.t.ppf(p, df))
for df in [0.5, 1, 2, 3, 10, 50, 1000, 1e5]:
    for q in [1e-30, 1e-12, 1e-4, 0.05, 0.3, 0.5, 0.9, 0.9999]:
        x = float(stats.chi2.isf(q, df))
        lower = mpmath.gammainc(mpf(df) / 2, 0, mpf(x) / 2, regularized=True)
        upper = mpmath.gammainc(mpf(df) / 2, mpf(x) / 2, mpmath.inf, regularized=True)
        add("chiSquareCdf", [x, df], lower)
        add("chiSquareSf", [x, df], upper)
    for p in [1e-10, 0.001, 0.025, 0.5, 0.95, 0.999]:
        add("chiSquareQuantile", [p, df], stats.chi2.ppf(p, df))
for d1, d2 in [(1, 1), (2, 7), (5, 10), (30, 4), (100, 200), (3, 1e5)]:
    for x in [1e-6, 0.01, 0.3, 1, 2.7, 12, 300]:
        w = mpf(d1) * mpf(x) / (mpf(d1) * mpf(x) + d2)
        lower, upper = beta_tails(w, mpf(d1) / 2, mpf(d2) / 2)
        add("fisherFCdf", [x, d1, d2], lower)
        add("fisherFSf", [x, d1, d2], upper)
    for p in [1e-6, 0.05, 0.5, 0.95, 0.999]:
        add("fisherFQuantile", [p, d1, d2], stats.f.ppf(p, d1, d2))
for a, b in [(0.01, 0.5), (0.5, 0.5), (1, 1), (1, 20), (2.5, 3), (40, 2), (300, 500), (2000, 30), (1e4, 2e4)]:
    for x in [1e-9, 0.001, 0.1, 0.32, 0.5, 0.9, 0.995]:
        lower, upper = beta_tails(mpf(x), a, b)
        add("betaCdf", [x, a, b], lower)
        add("betaSf", [x, a, b], upper)
    for p in [1e-9, 0.025, 0.5, 0.975, 0.9999]:
        add("betaQuantile", [p, a, b], special.betaincinv(a, b, p))
for n, p in [(1, 0.3), (10, 0.5), (50, 0.01), (1000, 0.37), (100000, 0.9), (1000000, 1e-5)]:
    for k in sorted({0, 1, int(n * p), int(n * p + 3 * (n * p * (1 - p)) ** 0.5), int(n * p - 5 * (n * p * (1 - p)) ** 0.5), n - 1}):
        if 0 <= k <= n:
            if k < n:
                if n <= 1000:
                    lower, upper = beta_tails(1 - mpf(p), n - k, k + 1)
                else:
                    lower, upper = stats.binom.cdf(k, n, p), stats.binom.sf(k, n, p)
                add("binomialCdf", [k, n, p], lower)
                add("binomialSf", [k, n, p], upper)
            log_pmf = mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1) + k * mpmath.log(mpf(p)) + (n - k) * mpmath.log(1 - mpf(p))
            add("binomialPmf", [k, n, p], mpmath.exp(log_pmf))
    for q in [0.001, 0.025, 0.4, 0.975]:
        add("binomialQuantile", [q, n, p], stats.binom.ppf(q, n, p))
for x in [0.1, 0.2, 0.5, 0.8276, 0.99, 1, 1.36, 2, 5, 12]:
    add("kolmogorovSf", [x], special.kolmogorov(x))
    add("kolmogorovCdf", [x], stats.kstwobign.cdf(x))
for x in [1e-10, 0.1, 0.7, 1.5, 2.3, 9.9, 10, 45.3, 1e3, 1e8, 1e300]:
    add("logGamma", [x], mpmath.loggamma(mpf(x)))

document = {
    "made_with": {"scipy": scipy.__version__, "numpy": numpy.__version__, "mpmath": mpmath.__version__},
    "rows": rows,
}
path = os.path.join(os.path.dirname(__file__), "distributions.json")
with open(path, "w") as file:
    file.write('{\n"made_with": ' + json.dumps(document["made_with"]) + ',\n"rows": [\n')
    file.write(",\n".join(json.dumps(row) for row in rows))
    file.write("\n]\n}\n")
print(len(rows), "rows")
