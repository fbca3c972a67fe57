"""Writes metrics.json: the values of scikit-learn's metrics on small seeded samples, with and without weights; ECE and its
relatives from their definitions in NumPy; McNemar's test by statsmodels, fairness by fairlearn. Run: python make_metrics.py"""

import json
import os
import warnings
import numpy as np, scipy, sklearn
import fairlearn, statsmodels
from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference
from scipy.stats import binom
from sklearn import metrics as m
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar

warnings.filterwarnings("ignore")
random = np.random.default_rng(42)


def ece(p, y, weights, bins=15, edges=None):
    """sum |sum w (p - y)| / sum w over right-closed bins."""
    edges = np.linspace(0, 1, bins + 1) if edges is None else edges
    index = np.searchsorted(edges[1:-1], p, side="left")
    signed = np.bincount(index, weights=weights * (p - y), minlength=bins)
    mass = np.bincount(index, weights=weights, minlength=bins)
    return np.abs(signed).sum() / weights.sum(), np.max(np.abs(signed[mass > 0]) / mass[mass > 0])


def precision_recall_at(k, score, y):
    top = np.argsort(-score, kind="stable")[:k]
    return y[top].mean(), y[top].sum() / y.sum()


def classification(rows, classes, digits, weighted, noise, type=np.float64):
    y = random.choice(classes, rows, p=random.dirichlet(np.full(classes, 5)))
    y[:classes] = np.arange(classes)
    logits = random.normal(0, noise, (rows, classes))
    logits[np.arange(rows), y] += 1.2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if digits is not None:
        p = np.round(p, digits)
        p[:, -1] = np.round(1 - p[:, :-1].sum(1), digits)
        p = np.clip(p, 0, 1)
    p = p.astype(type)
    w = random.integers(1, 4, rows) * 0.5 if weighted else np.ones(rows)
    s = dict(sample_weight=w)
    q = p.astype(np.float64)
    predicted = q.argmax(1)
    binary = classes == 2
    average = "binary" if binary else "macro"
    onehot = np.eye(classes, dtype=int)[y]
    values = {
        "accuracy": m.accuracy_score(y, predicted, **s),
        "balancedAccuracy": m.balanced_accuracy_score(y, predicted, **s),
        "logLoss": m.log_loss(y, q, labels=np.arange(classes), **s),
        "brier": m.brier_score_loss(y, q[:, 1], **s) if binary else m.brier_score_loss(y, q, labels=np.arange(classes), **s),
        "rocAuc": m.roc_auc_score(y, q[:, 1], **s) if binary else m.roc_auc_score(onehot, q, average="macro", **s),
        "prAuc": m.average_precision_score(y, q[:, 1], **s) if binary else m.average_precision_score(onehot, q, average="macro", **s),
        "f1": m.f1_score(y, predicted, average=average, **s),
        "precision": m.precision_score(y, predicted, average=average, **s),
        "recall": m.recall_score(y, predicted, average=average, **s),
        "mcc": m.matthews_corrcoef(y, predicted, **s),
    }
    confusion = m.confusion_matrix(y, predicted, labels=np.arange(classes), **s)
    right = np.diag(confusion)
    values["fnr"] = 1 - values["recall"]
    fpr = (confusion.sum(0) - right) / (confusion.sum() - confusion.sum(1))
    values["fpr"] = fpr[1] if binary else fpr.mean()
    top = q.max(1)
    hit = (q.argmax(1) == y).astype(float)
    values["ece"], values["mce"] = ece(top, hit, w)
    edges = np.concatenate([[0], np.quantile(top, np.arange(1, 15) / 15, weights=w, method="inverted_cdf"), [1]])
    values["eceAdaptive"] = ece(top, hit, w, edges=edges)[0]
    values["eceClasswise"] = np.mean([ece(q[:, k], onehot[:, k], w)[0] for k in range(classes)])
    cost = np.round(random.random((classes, classes)) * (1 - np.eye(classes)) * 10, 1)
    values["costWeighted"] = (w * cost[y, predicted]).sum() / w.sum()
    if binary and not weighted and digits is None:
        for k in [1, 10, 37]:
            values[f"precision@{k}"], values[f"recall@{k}"] = precision_recall_at(k, q[:, 1], y)
    per_class = [
        {
            "precision": m.precision_score(y == k, predicted == k, **s),
            "recall": m.recall_score(y == k, predicted == k, **s),
            "f1": m.f1_score(y == k, predicted == k, **s),
            "rocAuc": m.roc_auc_score(y == k, q[:, k], **s),
            "prAuc": m.average_precision_score(y == k, q[:, k], **s),
        }
        for k in range(classes)
    ]
    document = {
        "type": "float32" if type == np.float32 else "float64",
        "target": y.tolist(),
        "probabilities": q.ravel().tolist(),
        "logits": logits.ravel().tolist() if digits is None and type == np.float64 else None,
        "weights": w.tolist() if weighted else None,
        "cost": cost.tolist(),
        "values": {name: float(value) for name, value in values.items()},
        "perClass": per_class,
        "confusion": confusion.tolist(),
    }
    if binary and not weighted:
        truth, announced = calibration_curve(y, q[:, 1], n_bins=15)
        document["reliability"] = {"accuracy": truth.tolist(), "confidence": announced.tolist()}
    return document


def regression(rows, weighted, quantiles=(0.1, 0.9)):
    y = random.normal(5, 3, rows)
    p = y + random.standard_t(3, rows)
    w = random.integers(1, 4, rows) * 0.5 if weighted else np.ones(rows)
    s = dict(sample_weight=w)
    values = {
        "rmse": m.root_mean_squared_error(y, p, **s),
        "mae": m.mean_absolute_error(y, p, **s),
        "mape": m.mean_absolute_percentage_error(y, p, **s),
        "r2": m.r2_score(y, p, **s),
        **{f"pinball@{q}": m.mean_pinball_loss(y, p, alpha=q, **s) for q in quantiles},
    }
    return {"target": y.tolist(), "predictions": p.tolist(), "weights": w.tolist() if weighted else None, "values": values}


def mcnemar_test(b, c):
    """Exact from statsmodels; mid-p as Fagerland, Lydersen & Laake (2013), equation 4."""
    exact = mcnemar([[10, b], [c, 20]], exact=True).pvalue if b + c else 1.0
    middle = exact - binom.pmf(min(b, c), b + c, 0.5) if b != c else 1 - binom.pmf(b, b + c, 0.5) / 2
    middle = middle if b + c else 1.0
    return {"onlyFirst": b, "onlySecond": c, "exact": float(exact), "midP": float(middle)}


def fairness(rows, groups):
    group = random.integers(0, groups, rows)
    y = (random.random(rows) < 0.3 + 0.1 * group).astype(int)
    predicted = np.where(random.random(rows) < 0.25, 1 - y, y)
    arguments = dict(y_true=y, y_pred=predicted, sensitive_features=group)
    return {
        "group": group.tolist(),
        "target": y.tolist(),
        "predictions": predicted.tolist(),
        "values": {
            "demographicParityDifference": demographic_parity_difference(**arguments),
            "demographicParityRatio": demographic_parity_ratio(**arguments),
            "equalizedOddsDifference": equalized_odds_difference(**arguments),
        },
    }


document = {
    "made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "fairlearn": fairlearn.__version__},
    "classification": [
        classification(120, 2, None, False, 1.0),
        classification(90, 2, 1, False, 1.0),
        classification(80, 2, 1, True, 1.5),
        classification(100, 2, None, False, 1.0, np.float32),
        classification(100, 4, None, False, 1.0),
        classification(90, 5, 2, True, 1.0),
    ],
    "regression": [regression(40, False), regression(30, True)],
    "mcnemar": [mcnemar_test(b, c) for b, c in [(0, 0), (3, 3), (1, 7), (25, 11), (0, 4), (300, 350)]],
    "fairness": [fairness(200, 2), fairness(300, 4)],
}
with open(os.path.join(os.path.dirname(__file__), "metrics.json"), "w") as file:
    json.dump(document, file, separators=(",", ":"))
    file.write("\n")
