"""fairlearn's ExponentiatedGradient over scikit-learn's LogisticRegression on the rows and columns of fairness/rows.ts: expected
accuracy and gaps on the test rows by difference bound. Run: BALLAST_DATASETS=... python make_fairlearn.py > fairlearn.json"""
import csv
import gzip
import json
import os
import warnings

import fairlearn
import numpy as np
import pandas as pd
import sklearn
from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
FOLDER = os.environ["BALLAST_DATASETS"]
ADULT = ["age", "workclass", "fnlwgt", "education", "educationNum", "marital", "occupation", "relationship", "race", "sex",
         "gain", "loss", "hours", "country", "income"]
COMPAS = ["age", "sex", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count", "c_charge_degree"]


def adult(name):
    with gzip.open(os.path.join(FOLDER, "adult", name), "rt") as file:
        rows = [[cell.strip().rstrip(".") for cell in row] for row in csv.reader(file) if len(row) == len(ADULT)]
    frame = pd.DataFrame(rows, columns=ADULT).drop(columns="fnlwgt")
    return frame.rename(columns={"income": "label"})


def compas():
    path = os.path.join(FOLDER, "compas/compas-scores-two-years.noname.csv.gz")
    with gzip.open(path, "rt") as file:
        header, *rows = csv.reader(file)
    places = [header.index(name) for name in [*COMPAS, "race", "two_year_recid"]]
    frame = pd.DataFrame([[row[i] for i in places] for row in rows], columns=[*COMPAS, "race", "label"])
    return frame[frame["race"].isin(["African-American", "Caucasian"])].reset_index(drop=True)


def parts():
    training = adult("adult-train.csv.gz")
    yield "adult", training.iloc[::4], adult("adult-test.csv.gz"), "sex", ">50K"
    rows = compas()
    yield "compas", rows[rows.index % 6 < 3], rows[rows.index % 6 > 3], "race", "1"


def gap(decided, groups):
    rates = [decided[groups == group].mean() for group in np.unique(groups)]
    return max(rates) - min(rates)


results = []
for name, training, test, sensitive, positive in parts():
    numbers = [column for column in training.columns if column not in ("label", sensitive)
               and pd.to_numeric(training[column], errors="coerce").notna().all()]
    words = [column for column in training.columns if column not in ("label", sensitive, *numbers)]
    encode = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), words))
    training, test = training.astype({n: float for n in numbers}), test.astype({n: float for n in numbers})
    x, held = encode.fit_transform(training), encode.transform(test)
    x, held = (m.toarray() if hasattr(m, "toarray") else m for m in (x, held))
    y, truth = (training["label"] == positive).to_numpy(int), (test["label"] == positive).to_numpy(int)
    groups = test[sensitive].to_numpy()
    for constraint, bounds in [(None, [None]), (DemographicParity, [0.1, 0.05, 0.02, 0.01, 0.005]),
                               (EqualizedOdds, [0.1, 0.05, 0.02, 0.01])]:
        for bound in bounds:
            model = LogisticRegression(max_iter=1000)
            if constraint is None:
                decided = model.fit(x, y).predict(held).astype(float)
            else:
                np.random.seed(1)
                reduction = ExponentiatedGradient(model, constraint(difference_bound=bound), eps=bound, max_iter=50)
                reduction.fit(x, y, sensitive_features=training[sensitive])
                decided = reduction._pmf_predict(held)[:, 1]
            results.append({
                "data": name,
                "constraint": None if constraint is None else constraint.__name__,
                "bound": bound,
                "accuracy": float(np.where(truth == 1, decided, 1 - decided).mean()),
                "parity": float(gap(decided, groups)),
                "odds": float(max(gap(decided[truth == c], groups[truth == c]) for c in (0, 1))),
            })
print(json.dumps({"fairlearn": fairlearn.__version__, "scikit-learn": sklearn.__version__, "results": results}, indent=1))
