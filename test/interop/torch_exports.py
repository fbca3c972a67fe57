"""Small PyTorch networks, trained for seconds on scikit-learn's digits and exported to ONNX with a free batch size.

    python torch_exports.py ROWS.npz FOLDER

ROWS.npz has x [n, 8, 8] float32 and y [n]; the first two thirds are trained on. Works with torch 1.13 (Debian's) and later, without
the package onnx. Prints JSON: where each model is and the shape of a row.
"""

import json
import sys
import warnings

import numpy as np
import torch
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)


class Residual(nn.Module):
    """A stem, a depthwise layer beside a shortcut, both put together."""

    shape = [1, 8, 8]

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.branch = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6(), nn.Conv2d(16, 16, 1)
        )
        self.head = nn.Linear(2 * 16 * 4, 10)

    def forward(self, x):
        x = self.stem(x)
        y = x + self.branch(x)
        return self.head(nn.functional.max_pool2d(torch.cat([x, y], 1), 4).flatten(1))


class Attention(nn.Module):
    """nn.TransformerEncoder over the rows of a picture. With steps first: batch first is one fused operator in torch 1.13."""

    shape = [8, 8]

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", dropout=0.0)
        self.embedding = nn.Linear(8, 32)
        self.position = nn.Parameter(0.3 * torch.randn(8, 1, 32))
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.layers(self.embedding(x.transpose(0, 1)) + self.position).mean(0))


class Recurrent(nn.Module):
    """An LSTM in both directions over the rows of a picture."""

    shape = [8, 8]

    def __init__(self):
        super().__init__()
        self.layers = nn.LSTM(8, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        return self.head(self.layers(x)[0].mean(1))


def trained(network, x, y, epochs=8):
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
    return network.eval()


rows, folder = sys.argv[1:]
given = np.load(rows)
fit = len(given["x"]) * 2 // 3
x, y = torch.tensor(given["x"][:fit].astype("float32")), torch.tensor(given["y"][:fit].astype("int64"))
made = []
for name, network in [("residual", Residual()), ("attention", Attention()), ("recurrent", Recurrent())]:
    pictures = x.reshape(-1, *network.shape)
    trained(network, pictures, y)
    path = f"{folder}/{name}.onnx"
    how = {"dynamo": False} if "dynamo" in torch.onnx.export.__code__.co_varnames else {}
    torch.onnx.export(
        network, pictures[:2], path, input_names=["x"], output_names=["logits"], opset_version=17,
        dynamic_axes={"x": {0: "n"}, "logits": {0: "n"}}, **how,
    )
    made.append({"path": path, "shape": network.shape, "torch": torch.__version__})
print(json.dumps(made))
