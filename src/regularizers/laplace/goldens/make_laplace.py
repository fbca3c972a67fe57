"""Laplace approximations in double precision: scikit-learn's BayesianRidge, laplace-torch's full and Kronecker ones, the Hessian
by finite differences, evidence maximised by scipy. Run: python make_laplace.py > laplace.json
(numpy, scipy, scikit-learn, torch, laplace-torch from PyPI)"""
import json
import logging
import sys
import warnings

import numpy as np
import torch
from laplace import Laplace
from scipy.optimize import minimize_scalar
from sklearn.linear_model import BayesianRidge, LogisticRegression

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(8)


def f32(x):
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def ridge():
    x = f32(rng.normal(size=(40, 5)))
    y = f32(x @ rng.normal(size=5) + 0.7 * rng.normal(size=40))
    new = f32(2 * rng.normal(size=(7, 5)))
    fit = BayesianRidge(fit_intercept=False, compute_score=True, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-12, max_iter=10000).fit(x, y)
    mean, deviation = fit.predict(new, return_std=True)
    return dict(x=x.tolist(), y=y.tolist(), new=new.tolist(), coefficients=fit.coef_.tolist(), noisePrecision=float(fit.alpha_),
                precision=float(fit.lambda_), evidence=float(fit.scores_[-1]), covariance=fit.sigma_.tolist(),
                mean=mean.tolist(), deviation=deviation.tolist())


def classes(count, bias, structure):
    x = f32(rng.normal(size=(50, 4)))
    label = (x @ rng.normal(size=(4, count)) + 0.8 * rng.normal(size=(50, count))).argmax(1)
    new = f32(2 * rng.normal(size=(6, 4)))
    if count == 2:
        fit = LogisticRegression(C=1.0, fit_intercept=bias).fit(x, label)
        w = np.stack([-fit.coef_[0] / 2, fit.coef_[0] / 2])
        b = np.array([-fit.intercept_[0] / 2, fit.intercept_[0] / 2]) if bias else np.zeros(2)
    else:
        fit = LogisticRegression(C=1.0, fit_intercept=bias).fit(x, label)
        w, b = fit.coef_, fit.intercept_ if bias else np.zeros(count)
    w, b = f32(w), f32(b)
    layer = torch.nn.Linear(4, count, bias=bias)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(w))
        if bias:
            layer.bias.copy_(torch.tensor(b))
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(label)), batch_size=50)
    la = Laplace(layer, "classification", subset_of_weights="all", hessian_structure=structure)
    la.fit(data)
    best = minimize_scalar(lambda t: -float(la.log_marginal_likelihood(prior_precision=torch.tensor(np.exp(t)))), bounds=(-12, 12),
                           method="bounded", options=dict(xatol=1e-10))
    la.prior_precision = torch.tensor(np.exp(best.x))
    mu, variance = la._glm_predictive_distribution(torch.tensor(new))
    answer = dict(x=x.tolist(), label=label.tolist(), new=new.tolist(), weight=w.T.tolist(), structure=structure,
                  precision=float(np.exp(best.x)), evidence=-float(best.fun), logits=mu.tolist(), logitCovariance=variance.tolist(),
                  probabilities=la(torch.tensor(new), link_approx="probit").tolist())
    if bias:
        answer["bias"] = b.tolist()
    if structure == "full":
        answer["hessian"] = differences(x, label, w, b if bias else None).tolist()
    return answer


def differences(x, label, w, b):
    """Central differences of the summed cross-entropy by [weights and bias of an output, outputs]: (output, feature)."""
    phi = x if b is None else np.hstack([x, np.ones((len(x), 1))])
    start = (w if b is None else np.hstack([w, b[:, None]])).ravel()

    def loss(theta):
        z = phi @ theta.reshape(w.shape[0], -1).T
        return (np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1) - z[np.arange(len(x)), label]).sum()

    n, step = len(start), 1e-3
    eye = np.eye(n) * step
    return np.array([[(loss(start + eye[i] + eye[j]) - loss(start + eye[i] - eye[j]) - loss(start - eye[i] + eye[j])
                       + loss(start - eye[i] - eye[j])) / (4 * step * step) for j in range(n)] for i in range(n)])


def network():
    """All layers of a perceptron without biases, which laplace-torch keeps apart: 4 - 5 - 3, tanh."""
    x = f32(rng.normal(size=(50, 4)))
    label = (x @ rng.normal(size=(4, 3)) + 0.8 * rng.normal(size=(50, 3))).argmax(1)
    new = f32(2 * rng.normal(size=(6, 4)))
    model = torch.nn.Sequential(torch.nn.Linear(4, 5, bias=False), torch.nn.Tanh(), torch.nn.Linear(5, 3, bias=False))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(f32(rng.normal(size=tuple(p.shape)))))
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(label)), batch_size=50)
    la = Laplace(model, "classification", subset_of_weights="all", hessian_structure="kron")
    la.fit(data)
    best = minimize_scalar(lambda t: -float(la.log_marginal_likelihood(prior_precision=torch.tensor(np.exp(t)))), bounds=(-12, 12),
                           method="bounded", options=dict(xatol=1e-10))
    la.prior_precision = torch.tensor(np.exp(best.x))
    return dict(x=x.tolist(), label=label.tolist(), new=new.tolist(), weights=[p.T.tolist() for p in model.parameters()],
                precision=float(np.exp(best.x)), evidence=-float(best.fun),
                probabilities=la(torch.tensor(new), link_approx="probit").tolist())


json.dump(dict(ridge=ridge(), classes=[classes(3, True, "full"), classes(2, True, "full"), classes(3, False, "kron")], network=network()), sys.stdout)
