"""What fairlearn's ExponentiatedGradient over logistic regression comes to on adult and compas: five random splits with the
proportions of the page (30 % train, 50 % holdout), figures of the randomized classifier in expectation.
Run: python fairlearn_peer.py FOLDER > fairlearn.json, FOLDER being that of the data sets."""
import json
import sys
import warnings
import fairlearn
import numpy as np
import pandas as pd
from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
folder = sys.argv[1]
ADULT = ["age", "workclass", "fnlwgt", "education", "educationNum", "marital", "occupation", "relationship", "race",
         "sex", "gain", "loss", "hours", "country", "income"]


def adult():
    d = pd.read_csv(f"{folder}/adult/adult-train.csv.gz", names=ADULT, skipinitialspace=True)
    y = (d.income.str.strip() == ">50K").astype(int)
    return d.drop(columns=["fnlwgt", "sex", "income"]), y, d.sex


def compas():
    d = pd.read_csv(f"{folder}/compas/compas-scores-two-years.noname.csv.gz")
    columns = ["age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count", "c_charge_degree"]
    return d[columns], d.two_year_recid, d.sex


def encode(x, train):
    numbers = x.select_dtypes("number")
    scaled = StandardScaler().fit(numbers.iloc[train]).transform(numbers)
    return np.hstack([scaled, pd.get_dummies(x.drop(columns=numbers.columns)).to_numpy(dtype=float)])


def gap(shares, y, group, within):
    rates = [[shares[(group == g) & (within(y, c))].mean() for g in np.unique(group)] for c in (0, 1)]
    return max(max(r) - min(r) for r in rates)


def figures(p, y, group):
    return {"accuracy": float(np.where(y == 1, p, 1 - p).mean()),
            "demographic-parity": float(gap(p, y, group, lambda y, c: np.full(len(y), True))),
            "equalized-odds": float(gap(p, y, group, lambda y, c: y == c))}


result = {"fairlearn": fairlearn.__version__, "cases": {}}
for name, (x, y, group) in {"adult": adult(), "compas": compas()}.items():
    arms = {"plain": [], "demographic-parity": [], "equalized-odds": []}
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(y))
        train, held = order[: int(0.3 * len(y))], order[int(0.5 * len(y)):]
        z = encode(x, train)
        plain = LogisticRegression(solver="liblinear", tol=1e-3).fit(z[train], y.iloc[train])
        arms["plain"].append(figures(plain.predict(z[held]).astype(float), y.iloc[held].to_numpy(), group.iloc[held].to_numpy()))
        for arm, moment in [("demographic-parity", DemographicParity(difference_bound=0.01)),
                            ("equalized-odds", EqualizedOdds(difference_bound=0.01))]:
            model = ExponentiatedGradient(LogisticRegression(solver="liblinear", tol=1e-3), moment)
            model.fit(z[train], y.iloc[train], sensitive_features=group.iloc[train])
            p = model._pmf_predict(z[held])[:, 1]
            arms[arm].append({**figures(p, y.iloc[held].to_numpy(), group.iloc[held].to_numpy()),
                              "members": int((model.weights_ > 1e-6).sum())})
    result["cases"][name] = arms
print(json.dumps(result, indent=1))
