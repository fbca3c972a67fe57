"""CVaR of losses as Rockafellar and Uryasev define it, min over eta of eta + mean(max(loss - eta, 0)) / (1 - level), by scipy.
Run: python make_cvar.py > cvar.json"""
import json
import numpy as np
import scipy
from scipy.optimize import linprog

rng = np.random.default_rng(51)
cases = []
for rows, level in [(10, 0.5), (10, 0.73), (7, 0.2), (13, 0.9)]:
    losses = np.round(rng.exponential(size=rows), 4)
    # Variables: eta, then the excess of each row.
    cost = np.concatenate([[1.0], np.full(rows, 1 / ((1 - level) * rows))])
    above = np.hstack([-np.ones((rows, 1)), -np.eye(rows)])
    found = linprog(cost, A_ub=above, b_ub=-losses, bounds=[(None, None)] + [(0, None)] * rows)
    cases.append({"losses": losses.tolist(), "level": level, "cvar": found.fun})
print(json.dumps({"scipy": scipy.__version__, "cases": cases}))
