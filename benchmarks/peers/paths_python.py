"""scikit-learn, celer or skglm for the benchmark of paths: python paths_python.py NAME

Reads one JSON request a line on standard input and answers each with one line (see benchmarks/support/peer.ts).
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")
library = sys.argv[1]
if library == "scikit-learn":
    import sklearn as module
    from sklearn.linear_model import enet_path
elif library == "celer":
    import celer as module
    from celer import celer_path
else:
    import skglm as module
    from skglm.datafits import Logistic, Quadratic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import AndersonCD, ProxNewton

TOLERANCES = ("1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1e-10")


def coefficients(variant):
    """One row a lambda: intercept, then coefficients; columns have mean 0, so a Gaussian intercept is the mean."""
    tolerance = float(variant.split()[-1])
    family, alpha = subject["family"], subject["alpha"]
    if family == "gaussian":
        if library == "scikit-learn":
            precompute = "Gram" in variant
            _, b, _ = enet_path(x, centred, l1_ratio=alpha, alphas=lambdas, tol=tolerance, max_iter=100_000, precompute=precompute, check_input=False)
        elif library == "celer":
            _, b, _ = celer_path(x, centred, "lasso", alphas=lambdas, tol=tolerance, max_iter=100)
        else:
            penalty = L1(1.0) if alpha == 1 else L1_plus_L2(1.0, alpha)
            solver = AndersonCD(tol=tolerance, max_iter=1000, fit_intercept=False, warm_start=True)
            datafit = Quadratic()
            datafit.initialize(x, centred)
            _, b, _ = solver.path(x, centred, datafit, penalty, alphas=lambdas)
        return np.vstack([np.full(len(lambdas), y.mean()), b]).T
    signs = 2 * y - 1
    if library == "celer":
        # Its path fits no intercept, and its objective is a sum over rows.
        raise ValueError("celer fits no intercept")
    solver = ProxNewton(tol=tolerance, max_iter=200, fit_intercept=True, warm_start=True)
    datafit = Logistic()
    penalty = L1(1.0) if alpha == 1 else L1_plus_L2(1.0, alpha)
    w, xw, rows = np.zeros(x.shape[1] + 1), np.zeros(x.shape[0]), []
    datafit.initialize(x, signs)
    for strength in lambdas:
        penalty.alpha = strength
        w = solver.solve(x, signs, datafit, penalty, w, xw)[0]
        xw = x @ w[:-1] + w[-1]
        rows.append(np.concatenate([w[-1:], w[:-1]]))
    return np.array(rows)


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "hello":
        answer = {"name": f"{library} {module.__version__}"}
    elif request["do"] == "prepare":
        subject = request["case"]
        shape = (subject["rows"], subject["columns"])
        x = np.asfortranarray(np.fromfile(subject["x"]).reshape(shape[::-1]).T)
        y = np.fromfile(subject["y"])
        centred = y - y.mean()
        lambdas = np.array(subject["lambdas"])
        variants = [f"tol {tolerance}" for tolerance in TOLERANCES]
        if library == "scikit-learn":
            fits = subject["family"] == "gaussian"
            ways = ["precomputed Gram, "] if shape[0] > shape[1] else [""]
            variants = [way + variant for way in ways for variant in variants] if fits else []
        elif library == "celer":
            variants = variants if subject["family"] == "gaussian" and subject["alpha"] == 1 else []
        answer = {"variants": variants}
    else:
        coefficients(request["variant"]) if library != "scikit-learn" and request["steps"] == 1 else None
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(request["steps"]):
            found = coefficients(request["variant"])
        answer = {"wall": 1000 * (time.perf_counter() - wall), "cpu": 1000 * (time.process_time() - cpu)}
        np.ascontiguousarray(found).tofile(subject["out"])
    print(json.dumps(answer), flush=True)
