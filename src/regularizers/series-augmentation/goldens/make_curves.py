"""Curves and warps of Um et al. (2017) by SciPy and NumPy: python make_curves.py > curves.json (scipy 1.17.1, numpy 2.4.6).

Curves: CubicSpline (not-a-knot) through evenly spaced knots. Clock: the running sum of the speeds before each step, scaled
to end at length - 1, with speeds of at least 0.1. Reading: numpy.interp at the clock's positions.
"""
import json
import numpy as np
from scipy.interpolate import CubicSpline

rng = np.random.default_rng(3)
cases = []
for length, knots, channels in [(50, 6, 2), (7, 4, 1), (128, 10, 3), (5, 6, 1)]:
    x = np.arange(length)
    at = np.linspace(0, length - 1, knots)
    values = rng.normal(1, 0.5, (2, knots))
    curves = np.stack([CubicSpline(at, row)(x) for row in values])
    speeds = np.maximum(curves, 0.1)
    clock = np.cumsum(speeds, axis=1) - speeds
    clock *= (length - 1) / clock[:, -1:]
    series = rng.normal(0, 1, (2, length, channels))
    read = np.stack([
        np.stack([np.interp(clock[r], x, series[r, :, c]) for c in range(channels)], axis=1) for r in range(2)
    ])
    cases.append({
        "length": length, "knots": values.tolist(), "curves": curves.tolist(), "clock": clock.tolist(),
        "series": series.tolist(), "read": read.tolist(),
    })
print(json.dumps({"cases": cases}, default=float))
