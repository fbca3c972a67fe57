"""An ONNX model on MLServer: the shortest runtime that it takes, one thread."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {
            tensor.name: np.array(tensor.data.root, dtype=np.float32).reshape(tensor.shape) for tensor in payload.inputs
        }
        (prediction,) = self.session.run(["prediction"], feeds)
        output = ResponseOutput(
            name="prediction", shape=list(prediction.shape), datatype="FP32", data=prediction.reshape(-1).tolist()
        )
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=[output])
