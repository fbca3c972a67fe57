"""A real client of the Open Inference Protocol: what it is told, as JSON on stdout.

    python triton_client.py HOST:PORT
"""

import json
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1])
told = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": client.is_model_ready("classifier"),
    "server": client.get_server_metadata(),
    "metadata": client.get_model_metadata("classifier"),
    "index": client.get_model_repository_index(),
}


def ask(binary, **options):
    x = http.InferInput("x", [3, 1], "FP32")
    x.set_data_from_numpy(np.array([[0], [2], [-2]], dtype=np.float32), binary_data=binary)
    city = http.InferInput("city", [3, 1], "BYTES")
    city.set_data_from_numpy(np.array([["Köln"], [""], ["東京"]], dtype=object), binary_data=binary)
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in ["probabilities", "place"]]
    return client.infer("classifier", [x, city], outputs=outputs, **options)


for name, binary in [("json", False), ("binary", True)]:
    answer = ask(binary, request_id="mine", headers={"x-ballast-device": "phone"})
    response = answer.get_response()
    place = answer.as_numpy("place").reshape(-1)
    told[name] = {
        "id": response["id"],
        "version": response["model_version"],
        "parameters": response["parameters"],
        "probabilities": answer.as_numpy("probabilities").tolist(),
        "place": [each.decode() if isinstance(each, bytes) else str(each) for each in place],
    }

compressed = ask(True, request_compression_algorithm="gzip", response_compression_algorithm="gzip")
told["gzip"] = compressed.as_numpy("probabilities").tolist()

try:
    client.infer("none", [http.InferInput("x", [0], "FP32")])
except InferenceServerException as error:
    told["error"] = {"message": error.message(), "status": error.status()}

client.unload_model("classifier")
told["unloaded"] = client.is_model_ready("classifier")
client.load_model("classifier")
told["loaded"] = client.is_model_ready("classifier")
print(json.dumps(told))
