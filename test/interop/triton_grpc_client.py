"""Triton's client over gRPC: what it is told, as JSON on stdout.

    python triton_grpc_client.py HOST:PORT
"""

import json
import sys

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

client = grpc.InferenceServerClient(sys.argv[1])
told = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": client.is_model_ready("classifier"),
    "server": client.get_server_metadata(as_json=True),
    "metadata": client.get_model_metadata("classifier", as_json=True),
    "index": client.get_model_repository_index(as_json=True)["models"],
}

x = grpc.InferInput("x", [3, 1], "FP32")
x.set_data_from_numpy(np.array([[0], [2], [-2]], dtype=np.float32))
city = grpc.InferInput("city", [3, 1], "BYTES")
city.set_data_from_numpy(np.array([["Köln"], [""], ["東京"]], dtype=object))


def ask(**options):
    outputs = [grpc.InferRequestedOutput(name) for name in ["probabilities", "place"]]
    return client.infer("classifier", [x, city], outputs=outputs, **options)


answer = ask(request_id="mine", headers={"x-ballast-device": "phone"}, client_timeout=20)
response = answer.get_response(as_json=True)
told["answer"] = {
    "id": response["id"],
    "version": response["model_version"],
    "parameters": {name: value["string_param"] for name, value in response["parameters"].items()},
    "probabilities": answer.as_numpy("probabilities").tolist(),
    "place": [each.decode() for each in answer.as_numpy("place").reshape(-1)],
}
told["gzip"] = ask(compression_algorithm="gzip").as_numpy("probabilities").tolist()

# What other clients send: values of their type instead of bytes.
service = grpc.service_pb2
request = service.ModelInferRequest(model_name="classifier")
for name, datatype in [("x", "FP32"), ("city", "BYTES")]:
    request.inputs.add(name=name, datatype=datatype, shape=[1, 1])
request.inputs[0].contents.fp32_contents.append(2)
request.inputs[1].contents.bytes_contents.append("Köln".encode())
typed = client._client_stub.ModelInfer(request)
told["typed"] = {
    "probabilities": list(typed.outputs[0].contents.fp32_contents),
    "place": [each.decode() for each in typed.outputs[1].contents.bytes_contents],
}

try:
    client.infer("none", [x])
except InferenceServerException as error:
    told["error"] = {"message": error.message(), "status": error.status()}

client.unload_model("classifier")
try:
    told["unloaded"] = client.is_model_ready("classifier")
except InferenceServerException as error:
    told["unloaded"] = error.status()
client.load_model("classifier")
told["loaded"] = client.is_model_ready("classifier")
print(json.dumps(told))
