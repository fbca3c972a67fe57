"""Makes the .onnx files of this folder and expected.json with the Python onnx package as the authority.

    python make_onnx_files.py

Every tensor encoding of onnx.proto, control flow, functions, sparse and external data, types that are not tensors, and
what Ballast must refuse. Expected values come from numpy_helper, onnxruntime (which agrees with the reference evaluator) and scikit-learn.
"""

import json
import pathlib

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import skl2onnx
import sklearn
from onnx import TensorProto, checker, helper, numpy_helper, parser
from onnx.reference import ReferenceEvaluator
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

HERE = pathlib.Path(__file__).parent
expected = {
    "versions": {
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "skl2onnx": skl2onnx.__version__,
    }
}
rng = np.random.default_rng(7)


def save(name, model, check=True):
    if check:
        checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def texts(array):
    """Elements as texts that Node makes as well: integers in full, floats as their bits."""
    flat = np.asarray(array).reshape(-1)
    kinds = {"float32": np.uint32, "float64": np.uint64, "float16": np.uint16, "bfloat16": np.uint16}
    if flat.dtype.name in kinds:
        flat = flat.view(kinds[flat.dtype.name])
    if flat.dtype == np.bool_:
        flat = flat.astype(np.uint8)
    return [e.decode() if isinstance(e, bytes) else str(e) for e in flat.tolist()]


def identity_graph(name, initializers, **more):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    return helper.make_graph([helper.make_node("Identity", ["x"], ["y"], "copy")], name, [x], [y], initializers, **more)


def model_of(graph, **more):
    opsets = more.pop("opset_imports", [helper.make_opsetid("", 21)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="goldens", **more)


# --- every element type, as raw_data and in its typed field -----------------------------------------------------------
ARRAYS = {
    "float32": np.array([[0.1, -2.5, np.inf], [-0.0, 1e-40, 3.4e38]], np.float32),
    "float64": np.array([[np.pi, -1e300, 5e-324]]),
    "float16": np.array([0.1, -65504, np.inf, 6e-8], np.float16),
    "bfloat16": np.array([0.1, -1e38, 3], ml_dtypes.bfloat16),
    "int64": np.array([[-(2**63)], [2**63 - 1], [2**53 + 1]], np.int64),
    "int32": np.array([-(2**31), 2**31 - 1, 0], np.int32),
    "int16": np.array([-32768, 32767, -1], np.int16),
    "int8": np.array([-128, 127, -1], np.int8),
    "uint64": np.array([2**64 - 1, 2**63, 1], np.uint64),
    "uint32": np.array([2**32 - 1, 7], np.uint32),
    "uint16": np.array([65535, 7], np.uint16),
    "uint8": np.array([255, 7], np.uint8),
    "bool": np.array([True, False, True]),
}
tensors, values = [], {}


def add(tensor):
    array = numpy_helper.to_array(tensor)
    tensors.append(tensor)
    name = "string" if tensor.data_type == TensorProto.STRING else array.dtype.name
    if name == "string":
        array = np.array([t.decode() for t in tensor.string_data], object)
    values[tensor.name] = {"type": name, "shape": list(tensor.dims), "elements": texts(array)}


for kind, array in ARRAYS.items():
    data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
    add(helper.make_tensor(f"{kind}_raw", data_type, array.shape, array.tobytes(), raw=True))
    add(helper.make_tensor(f"{kind}_typed", data_type, array.shape, array.reshape(-1)))
add(helper.make_tensor("string", TensorProto.STRING, [2, 2], ["", "plain", "naïve ☃", "\ufeffmark"]))
add(helper.make_tensor("scalar", TensorProto.FLOAT, [], [4.5]))
add(helper.make_tensor("empty", TensorProto.INT64, [0, 3], []))
add(numpy_helper.from_array(np.arange(24, dtype=np.float32).reshape(2, 3, 4), "cube"))
save("encodings", model_of(identity_graph("encodings", tensors)))
expected["encodings"] = values

# --- external data ----------------------------------------------------------------------------------------------------
w = rng.normal(size=(4, 3)).astype(np.float32)
b = np.array([2**53 + 1, -5], np.int64)
model = model_of(identity_graph("external", [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")]))
(HERE / "external.bin").unlink(missing_ok=True)
onnx.save_model(
    model, HERE / "external.onnx", save_as_external_data=True, location="external.bin", size_threshold=0, convert_attribute=True
)
checker.check_model(str(HERE / "external.onnx"))
expected["external"] = {
    "w": {"type": "float32", "shape": [4, 3], "elements": texts(w)},
    "b": {"type": "int64", "shape": [2], "elements": texts(b)},
}

# --- sparse initializers and a sparse constant ------------------------------------------------------------------------


def sparse(name, dims, indices, elements):
    return helper.make_sparse_tensor(
        numpy_helper.from_array(elements, name), numpy_helper.from_array(np.array(indices, np.int64), name + "_i"), dims
    )


flat = sparse("flat", [2, 5], [1, 4, 7], np.array([1.5, -2, 3], np.float32))
coordinates = sparse("coordinates", [3, 2, 2], [[0, 1, 0], [2, 0, 1]], np.array([7, -8], np.int64))
constant = sparse("", [4], [3], np.array([9], np.float64))
graph = identity_graph("sparse", [], sparse_initializer=[flat, coordinates])
graph.node.insert(0, helper.make_node("Constant", [], ["c"], "constant", sparse_value=constant))
save("sparse", model_of(graph))
dense = {"flat": np.zeros((2, 5), np.float32), "coordinates": np.zeros((3, 2, 2), np.int64), "c": np.zeros(4)}
dense["flat"].reshape(-1)[[1, 4, 7]] = [1.5, -2, 3]
dense["coordinates"][0, 1, 0], dense["coordinates"][2, 0, 1] = 7, -8
dense["c"][3] = 9
expected["sparse"] = {
    name: {"type": array.dtype.name, "shape": list(array.shape), "elements": texts(array)} for name, array in dense.items()
}

# --- attributes, metadata, foreign domains ----------------------------------------------------------------------------
graph = identity_graph("attributes", [])
graph.node.append(
    helper.make_node(
        "Anything", ["x", "", "y"], ["", "z"], "any", domain="org.example",
        int=-3, to_the_end=2**63 - 1, from_the_start=-(2**63), float=0.1, string="ünï", ints=[1, -2], floats=[0.5, -0.25],
        strings=["a", ""], tensor=numpy_helper.from_array(np.array([1, 2], np.int8)),
    )
)
model = model_of(graph, opset_imports=[helper.make_opsetid("ai.onnx", 21), helper.make_opsetid("org.example", 3)])
helper.set_model_props(model, {"key": "value", "empty": ""})
model.producer_version = "1.2"
save("attributes", model)
expected["attributes"] = {
    "int": -3, "to_the_end": 2**63, "from_the_start": -(2**63), "float": float(np.float32(0.1)), "string": "ünï",
    "ints": [1, -2], "floats": [0.5, -0.25], "strings": ["a", ""],
}

# --- models with known results ----------------------------------------------------------------------------------------


def io(model, **inputs):
    names = [output.name for output in model.graph.output]
    results = onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)
    # The reference evaluator has no default values of function attributes.
    if not model.functions:
        for ours, theirs in zip(results, ReferenceEvaluator(model).run(None, inputs)):
            assert np.allclose(ours.reshape(-1), np.asarray(theirs).reshape(-1)), model.graph.name
    describe = lambda a: {"type": a.dtype.name, "shape": list(a.shape), "elements": [float(e) for e in a.reshape(-1)]}
    return {
        "inputs": {name: describe(array) for name, array in inputs.items()},
        "outputs": {name: describe(np.asarray(result)) for name, result in zip(names, results)},
    }


control = parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21]>
control (float[3] x, bool flag) => (float[3] chosen, float[n] running, float[3] total)
<int64 three = {3}, bool yes = {1}, float[3] zero = {0, 0, 0}, float two = {2}> {
  doubled = Mul (x, two)
  chosen = If (flag) <
    then_branch = positive () => (float[3] out) { out = Add (doubled, x) },
    else_branch = negative () => (float[3] out) { inner = Neg (doubled) out = Identity (inner) }
  >
  total, running = Loop (three, yes, zero) <
    body = step (int64 i, bool go, float[3] sum) => (bool go_out, float[3] sum_out, float last) {
      go_out = Identity (go)
      sum_out = Add (sum, chosen)
      axes = Constant <value = int64[1] {0}> ()
      last = ReduceSum <keepdims = 0> (sum_out, axes)
    }
  >
}
""")
save("control-flow", control)
x = np.array([1, -2, 3.5], np.float32)
expected["control-flow"] = [io(control, x=x, flag=np.array(True)), io(control, x=x, flag=np.array(False))]

functions = parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21, "local" : 1]>
functions (float[2, 3] x) => (float[2, 3] y, float[2, 3] z, float[2, 3] same)
<float[3] bias = {1, 2, 3}> {
  t = local.scaled <factor = 3.0> (x, bias)
  y = local.scaled (t, bias)
  z, same = local.gate <limit = 0.5> (y)
}
<domain: "local", opset_import: ["" : 21]>
shift (a, bias) => (out) { out = Add (a, bias) }
<domain: "local", opset_import: ["" : 21, "local" : 1]>
scaled <factor: float = 2.0> (a, bias) => (out) {
  k = Constant <value_float: float = @factor> ()
  t = Mul (a, k)
  out = local.shift (t, bias)
}
<domain: "local", opset_import: ["" : 21]>
gate <limit> (a) => (out, copy) {
  copy = Identity (a)
  t = Constant <value_float: float = @limit> ()
  axes = Constant <value_ints: ints = [0, 1]> ()
  mean = ReduceMean <keepdims = 0> (a, axes)
  big = Greater (mean, t)
  out = If (big) <
    then_branch = more () => (float[2, 3] r) { s = Mul (a, t) r = Neg (s) },
    else_branch = less () => (float[2, 3] r) { r = Abs (a) }
  >
}
""")
# The parser has no default values of function attributes in every version: make sure that this one is there.
assert functions.functions[1].attribute_proto[0].f == 2.0
save("functions", functions)
expected["functions"] = [io(functions, x=rng.normal(size=(2, 3)).astype(np.float32) + shift) for shift in (0, -9)]

unsorted = parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21]>
unsorted (float[2] x, bool flag) => (float[2] y) {
  a = Neg (x)
  b = Abs (a)
  y = If (flag) <
    then_branch = positive () => (float[2] p) { p = Add (b, x) },
    else_branch = negative () => (float[2] q) { r = Sub (x, a) q = Mul (r, b) }
  >
}
""")
result = [io(unsorted, x=np.array([1, -2], np.float32), flag=np.array(flag)) for flag in (True, False)]
branch = unsorted.graph.node[2].attribute[1].g
for nodes in (branch.node, unsorted.graph.node):
    backwards = list(reversed(nodes))
    del nodes[:]
    nodes.extend(backwards)
save("unsorted", unsorted, check=False)
expected["unsorted"] = result

# Old IR: parameters are inputs as well, attributes of old opsets.
old = helper.make_graph(
    [
        helper.make_node("Constant", [], ["two"], value=numpy_helper.from_array(np.array(2, np.float32))),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Identity", ["h"], ["h2"]),
        helper.make_node("Mul", ["h2", "two"], ["m"]),
        helper.make_node("Identity", ["m"], ["y"]),
        helper.make_node("Neg", ["unused"], ["dead"]),
    ],
    "old",
    [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2]),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [2, 2]),
        helper.make_tensor_value_info("unused", TensorProto.FLOAT, [1]),
    ],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
    [
        numpy_helper.from_array(np.array([[1, 2], [3, 4]], np.float32), "w"),
        numpy_helper.from_array(np.array([1], np.float32), "unused"),
    ],
)
old = helper.make_model(old, opset_imports=[helper.make_opsetid("", 8)], ir_version=3)
save("old-ir", old)
expected["old-ir"] = [io(old, x=np.array([[1, -1]], np.float32))]

# --- scikit-learn, with ZipMap ----------------------------------------------------------------------------------------
iris = load_iris()
for name, labels in (("zip-map", iris.target_names[iris.target]), ("zip-map-int", iris.target + 10)):
    classifier = LogisticRegression(max_iter=500).fit(iris.data, labels)
    model = skl2onnx.to_onnx(classifier, iris.data[:1].astype(np.float32), target_opset={"": 21, "ai.onnx.ml": 3})
    save(name, model)
    rows = iris.data[[0, 60, 120]].astype(np.float32)
    expected[name] = {
        "classes": classifier.classes_.tolist(),
        "rows": rows.tolist(),
        "probabilities": classifier.predict_proba(rows.astype(float)).tolist(),
    }

# --- types that are not tensors ---------------------------------------------------------------------------------------
graph = identity_graph("types", [])
graph.node.append(helper.make_node("SequenceConstruct", ["x", "y"], ["s"], "sequence"))
graph.node.append(helper.make_node("Optional", ["s"], ["o"], "optional"))
tensor_type = helper.make_tensor_type_proto(TensorProto.FLOAT, ["batch", 3])
graph.output.append(helper.make_value_info("s", helper.make_sequence_type_proto(tensor_type)))
graph.output.append(helper.make_value_info("o", helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor_type))))
save("types", model_of(graph))

# --- to be refused ----------------------------------------------------------------------------------------------------
for name, array in (
    ("float8", np.array([1, 2], ml_dtypes.float8_e4m3fn)),
    ("int4", np.array([1, -2], ml_dtypes.int4)),
    ("complex64", np.array([1 + 2j], np.complex64)),
):
    save(name, model_of(identity_graph(name, [numpy_helper.from_array(array, "weight")])))

(HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
