"""scikit-learn models on its own data sets, exported by skl2onnx, and the rows.

    python sklearn_exports.py FOLDER

Writes FOLDER/digits.npz and digits.json, cancer.json (x, shape, y; the first two thirds are trained on) and the models. Prints JSON:
where each model is and of which rows; no models where skl2onnx is not there.
"""

import json
import sys
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
[folder] = sys.argv[1:]
rows = {}
for name, (x, y) in {
    "digits": load_digits(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
}.items():
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order].astype(np.float32) / (16 if name == "digits" else 1), y[order].astype(np.int64)
    rows[name] = (x, y)
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"x": x.flatten().tolist(), "shape": list(x.shape), "y": y.tolist()}, file)
np.savez(f"{folder}/digits.npz", x=rows["digits"][0].reshape(-1, 8, 8), y=rows["digits"][1])

made = []
try:
    from skl2onnx import to_onnx
except ImportError:
    to_onnx = None
MODELS = {
    "mlp": ("digits", make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=60, random_state=0)), {}),
    "logistic": ("cancer", make_pipeline(StandardScaler(), LogisticRegression()), {"zipmap": False}),
    "forest": ("digits", RandomForestClassifier(20, random_state=0), {}),
    "forest-plain": ("digits", RandomForestClassifier(20, random_state=0), {"zipmap": False}),
}
for name, (data, model, options) in MODELS.items() if to_onnx else []:
    x, y = rows[data]
    fit = len(y) * 2 // 3
    model.fit(x[:fit], y[:fit])
    path = f"{folder}/{name}.onnx"
    exported = to_onnx(model, x[:1], options={id(model): options} if options else None, target_opset=18)
    with open(path, "wb") as file:
        file.write(exported.SerializeToString())
    made.append({"path": path, "rows": data, "accuracy": float(model.score(x[fit:], y[fit:]))})
print(json.dumps(made))
