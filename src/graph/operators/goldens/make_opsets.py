"""Stores in which opsets the definition of each operator of the default domain changed."""

import json
import pathlib

import onnx

versions = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        versions.setdefault(schema.name, []).append(schema.since_version)
head = {"made by": pathlib.Path(__file__).name, "onnx": onnx.__version__}
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(sorted(versions[name]))}" for name in sorted(versions))
target = pathlib.Path(__file__).with_name("opsets.json")
target.write_text(json.dumps(head)[:-1] + ',\n"since": {\n' + lines + "\n}}\n")
