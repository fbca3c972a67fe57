"""The reference quantizer and checker for compressed models.

    python compression.py quantize MODEL ROWS.f32 INPUT SHAPE OUT [MinMax|Entropy|Percentile]
    python compression.py check FILE...

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


command, *rest = sys.argv[1:]
answer = quantize(*rest) if command == "quantize" else check(rest)
print(json.dumps(answer))
