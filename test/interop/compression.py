"""The reference quantizer and checker for compressed models.

    python compression.py quantize MODEL ROWS.f32 INPUT SHAPE OUT [MinMax|Entropy|Percentile]
    python compression.py check FILE...
    python compression.py export FOLDER        PyTorch and scikit-learn models with rows and answers

`quantize` is onnxruntime's own static quantizer (QDQ, per channel). `check` runs the full ONNX checker with shape inference
and makes a session of plain onnxruntime. Prints JSON.
"""

import json
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort


def quantize(model, calibration, name, shape, out, method="MinMax"):
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            data = np.fromfile(calibration, dtype="<f4").reshape(json.loads(shape))
            self.batches = iter({name: data[row : row + 1]} for row in range(len(data)))

        def get_next(self):
            return next(self.batches, None)

    start = time.perf_counter()
    quantize_static(
        model,
        out,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[method],
    )
    return {"seconds": time.perf_counter() - start, "onnxruntime": ort.__version__}


def check(paths):
    report = {}
    for path in paths:
        try:
            onnx.checker.check_model(path, full_check=True)
            ort.InferenceSession(path, providers=["CPUExecutionProvider"])
            report[path] = None
        except Exception as fault:
            report[path] = str(fault)
    return report


def export(folder):
    import torch
    import torch.nn as nn

    made = []
    torch.manual_seed(0)

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
            self.branch = nn.Sequential(
                nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
                nn.BatchNorm2d(16),
                nn.ReLU6(),
                nn.Conv2d(16, 16, 1),
            )
            self.head = nn.Linear(32, 5)

        def forward(self, x):
            x = self.stem(x)
            y = x + self.branch(x)
            return self.head(torch.cat([x, y], 1).mean((2, 3)))

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu", dropout=0.0)
            self.embedding = nn.Linear(8, 32)
            self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = nn.Linear(32, 5)

        def forward(self, x):
            return self.head(self.layers(self.embedding(x)).mean(1))

    for name, network, shape in [("residual", Residual(), (6, 3, 16, 16)), ("attention", Attention(), (6, 10, 8))]:
        network.eval()
        x = torch.randn(*shape)
        path = f"{folder}/{name}.onnx"
        torch.onnx.export(
            network, x, path, input_names=["x"], output_names=["logits"], opset_version=17, dynamo=False,
            dynamic_axes={"x": {0: "n"}, "logits": {0: "n"}},
        )
        made.append({"path": path, "input": "x", "shape": list(shape), "values": x.flatten().tolist()})
    try:
        from skl2onnx import to_onnx
        from sklearn.datasets import load_breast_cancer
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        data = load_breast_cancer()
        x = data.data.astype(np.float32)
        model = make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=200, random_state=0)).fit(x, data.target)
        path = f"{folder}/sklearn.onnx"
        with open(path, "wb") as file:
            file.write(to_onnx(model, x[:1]).SerializeToString())
        made.append({"path": path, "input": "X", "shape": [64, 30], "values": x[:64].flatten().tolist()})
    except ImportError:
        pass
    return made


command, *rest = sys.argv[1:]
if command == "quantize":
    answer = quantize(*rest)
elif command == "check":
    answer = check(rest)
else:
    answer = export(*rest)
print(json.dumps(answer))
