"""Checks .onnx files with the onnx package and prints, as JSON, what it reads in them.

    python onnx_checker.py FILE...
"""

import hashlib
import json
import os
import sys

import onnx
from onnx import AttributeProto, TensorProto, numpy_helper


def digest(tensor, directory):
    if tensor.data_type == TensorProto.STRING:
        content = b"\0".join(tensor.string_data)
    else:
        content = numpy_helper.to_array(tensor, directory).tobytes()
    return [TensorProto.DataType.Name(tensor.data_type), list(tensor.dims), hashlib.sha256(content).hexdigest()]


def graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from graphs(attribute.g)


report = {"onnx": onnx.__version__, "files": {}}
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(path)
        error = None
    except Exception as fault:
        error = str(fault)
    model = onnx.load(path, load_external_data=False)
    every = list(graphs(model.graph))
    report["files"][path] = {
        "error": error,
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "nodes": [[node.domain, node.op_type, list(node.input), list(node.output)] for g in every for node in g.node],
        "initializers": [[t.name, *digest(t, os.path.dirname(path))] for g in every for t in g.initializer],
    }
print(json.dumps(report))
