"""Coefficients of concave penalties by skglm, each from the one before: python skglm_concave.py > skglm-concave.json"""

import json
import sys

import numpy as np
import skglm
from skglm.datafits import Quadratic
from skglm.penalties import SCAD, MCPenalty
from skglm.solvers import AndersonCD

random = np.random.default_rng(5)
n, p = 60, 8
x = np.round(0.4 * random.normal(size=(n, 1)) + random.normal(size=(n, p)), 4)
y = np.round(x @ np.array([1.5, -1, 0.7, 0, 0, 0, 0, 0.4]) + random.normal(size=n), 4)
lambdas = [0.8, 0.4, 0.2, 0.1, 0.05]
# Columns of deviation 1 and mean 0, as a path standardises them: coefficients are divided back after.
mean, deviation = x.mean(axis=0), x.std(axis=0)
z = np.asfortranarray((x - mean) / deviation)
centred = y - y.mean()

cases = []
for name, penalty, gamma in (("mcp", MCPenalty, 3.0), ("scad", SCAD, 3.7)):
    b = np.zeros(p)
    rows = []
    for strength in lambdas:
        solver = AndersonCD(tol=1e-14, max_iter=1000, max_epochs=1_000_000, fit_intercept=False, warm_start=True)
        datafit = Quadratic()
        datafit.initialize(z, centred)
        b = solver.solve(z, centred, datafit, penalty(strength, gamma), b.copy(), z @ b)[0]
        rows.append((b / deviation).tolist())
    intercepts = [float(y.mean() - mean @ np.array(row)) for row in rows]
    cases.append(dict(family="gaussian", penalty=name, lambdas=lambdas, intercepts=intercepts, coefficients=rows))

json.dump(dict(made=f"skglm {skglm.__version__}", columns=x.T.tolist(), targets=dict(gaussian=y.tolist()), cases=cases), sys.stdout)
