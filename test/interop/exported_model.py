"""Checks an exported model with the onnx package and runs it in its reference evaluator.

    python exported_model.py MODEL.onnx FEEDS.json

Prints, as JSON, the outputs by name. FEEDS.json: {name: {"type", "shape", "data"}}, NaN as null.
"""

import json
import sys

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)


def tensor(feed):
    data = [float("nan") if value is None else value for value in feed["data"]]
    if feed["type"] == "string":
        return np.array(data, dtype=object).reshape(feed["shape"])
    return np.array([int(value) for value in data] if feed["type"] == "int64" else data, dtype=feed["type"]).reshape(feed["shape"])


with open(sys.argv[2]) as file:
    feeds = {name: tensor(feed) for name, feed in json.load(file).items()}
results = ReferenceEvaluator(model).run(None, feeds)
print(json.dumps({
    "onnx": onnx.__version__,
    "outputs": {info.name: {"shape": list(value.shape), "data": [str(v) if isinstance(v, (str, np.str_)) else v.item() for v in value.ravel()]}
                for info, value in zip(model.graph.output, results)},
}))
