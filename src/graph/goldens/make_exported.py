"""Exports small PyTorch models to ONNX and stores the gradients of a weighted sum of their outputs, in double precision."""

import base64
import json
import pathlib
import warnings

import numpy as np
import onnx
import onnxscript
import torch
import torch.nn.functional as F
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(0)


class Attention(nn.Module):
    """A pre-norm transformer block with causal attention written out."""

    def __init__(self, width=8, heads=2):
        super().__init__()
        self.heads = heads
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 12), nn.Linear(12, width)

    def forward(self, x):
        batch, steps, width = x.shape
        parts = self.qkv(self.norm(x)).reshape(batch, steps, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5
        mask = torch.ones(steps, steps, dtype=torch.bool).tril()
        weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, steps, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Tokens(nn.Module):
    """Embedding, PyTorch's own encoder layer, mean over the steps."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


class Convolutions(nn.Module):
    """Strided, grouped, depthwise and transposed convolutions, every pooling, resampling."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4)
        self.depth, self.point = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, 1)
        self.group = nn.GroupNorm(2, 6)
        self.back = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.head = nn.Linear(8, 3)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = F.relu6(self.norm(self.stem(x)))
        x = F.max_pool2d(x, 3, 2, 1)
        x = F.silu(self.group(self.point(F.hardswish(self.depth(x)))))
        x = F.interpolate(self.back(x), scale_factor=2, mode="bilinear")
        x = torch.cat([F.avg_pool2d(x, 3, 2, 1), F.max_pool2d(x, 2)], 1)
        return F.log_softmax(self.head(x.mean((2, 3))), -1)


def slim(model):
    """Drops the documentation that exporters attach."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for info in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del info.metadata_props[:]
    for initializer in model.graph.initializer:
        del initializer.metadata_props[:]
    del model.metadata_props[:]
    del model.functions[:]
    return model


def golden(name, module, x, path, **options):
    module = module.eval()
    with torch.no_grad():  # Equal initial values would be merged into one initializer.
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    torch.onnx.export(module, (x,), path, verbose=False, **options)
    model = slim(onnx.load(path))
    double = module.double()
    data = x.double() if x.is_floating_point() else x
    output = double(data)
    seed = torch.tensor(np.round(np.random.default_rng(1).normal(size=tuple(output.shape)), 3))
    parameters = dict(double.named_parameters())
    slopes = torch.autograd.grad((output * seed).sum(), list(parameters.values()))
    known = [(parameter.detach().float(), slope) for parameter, slope in zip(parameters.values(), slopes)]
    gradients = {}
    for initializer in model.graph.initializer:
        stored = onnx.numpy_helper.to_array(initializer)
        for parameter, slope in known:
            for turned, turned_slope in [(parameter, slope), (parameter.T, slope.T)]:
                if turned.shape == stored.shape and stored.size > 1 and np.array_equal(turned.numpy(), stored):
                    gradients[initializer.name] = turned_slope.contiguous()
    return {
        "name": name,
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "input": {"shape": list(x.shape), "data": x.reshape(-1).tolist()},
        "output": numbers(output),
        "seed": numbers(seed),
        "gradients": {key: numbers(value) for key, value in gradients.items()},
    }


def numbers(value):
    return [float(f"{x:.8g}") for x in value.detach().reshape(-1).tolist()]


def main():
    path = "/tmp/exported.onnx"
    series = torch.tensor(np.round(np.random.default_rng(2).normal(size=(2, 5, 8)), 3), dtype=torch.float32)
    image = torch.tensor(np.round(np.random.default_rng(3).normal(size=(2, 2, 12, 12)), 3), dtype=torch.float32)
    tokens = torch.tensor(np.random.default_rng(4).integers(0, 11, size=(2, 6)))
    free = torch.export.Dim
    traced = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch", 1: "steps"}}}
    cases = [
        golden("attention, opset 14", Attention(), series, path, dynamo=False, opset_version=14, **traced),
        golden(
            "attention, dynamic axes",
            Attention(),
            series,
            path,
            dynamo=True,
            dynamic_shapes=({0: free("batch"), 1: free("steps")},),
        ),
        golden("tokens", Tokens(), tokens, path, dynamo=True, dynamic_shapes=({0: free("batch")},)),
        golden("convolutions, opset 11", Convolutions(), image, path, dynamo=False, opset_version=11),
        golden("convolutions", Convolutions(), image, path, dynamo=True, dynamic_shapes=({0: free("batch")},)),
    ]
    versions = {"torch": torch.__version__, "onnx": onnx.__version__, "onnxscript": onnxscript.__version__}
    head = {"made by": pathlib.Path(__file__).name, **versions}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target = pathlib.Path(__file__).with_name("exported.json")
    target.write_text(json.dumps(head)[:-1] + ',\n"cases": [\n' + lines + "\n]}\n")
    for case in cases:
        print(case["name"], len(case["model"]), sorted(case["gradients"]))


main()
