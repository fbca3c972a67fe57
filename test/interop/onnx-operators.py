"""Prints the ONNX project's own node test cases, one JSON object a line, for the operators named on the command line."""

import base64
import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")

TYPES = {
    "float32": "float32",
    "float64": "float64",
    "int64": "int64",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
    "uint64": "uint64",
    "uint32": "uint32",
    "uint16": "uint16",
    "uint8": "uint8",
    "bool": "bool",
}


def plain(value):
    array = np.asarray(value)
    kind = TYPES.get(array.dtype.name)
    if kind is None:
        return None
    return {
        "type": kind,
        "shape": list(array.shape),
        "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
    }


def main(operators):
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        model = case.model
        if model is None or not case.data_sets or case.kind != "node":
            continue
        if any(f"{node.domain}:{node.op_type}" not in operators for node in model.graph.node):
            continue
        if any(entry.domain == "" and entry.version < 7 for entry in model.opset_import):
            continue
        inputs, outputs = case.data_sets[0]
        stored = [plain(value) for value in inputs], [plain(value) for value in outputs]
        if any(value is None for values in stored for value in values):
            continue
        # Newer than any reader here; the operators' versions are what matters.
        model.ir_version = min(model.ir_version, 10)
        record = {
            "name": case.name,
            "model": base64.b64encode(model.SerializeToString()).decode(),
            "inputs": stored[0],
            "outputs": stored[1],
            "rtol": case.rtol,
            "atol": case.atol,
        }
        print(json.dumps(record))


main(set(sys.argv[1].split(",")))
