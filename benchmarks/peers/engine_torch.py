"""PyTorch's side of the engine benchmark: builds the case it is told, in every variant, and runs blocks of steps.

Reads one JSON request a line on standard input and answers each with one line (see benchmarks/support/peer.ts).
"""

import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Residual(nn.Module):
    def __init__(self, channels, out, stride, normalization):
        super().__init__()
        bias = normalization == "none"
        norm = (lambda: nn.BatchNorm2d(out)) if normalization == "batch" else nn.Identity
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=bias),
            norm(),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=bias),
            norm(),
        )
        fits = stride == 1 and channels == out
        self.shortcut = (
            nn.Identity() if fits else nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=bias), norm())
        )

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def convolutional(layers, shape, outputs):
    channels = shape[0]
    probe = torch.zeros(1, *shape)
    modules = []

    def add(*new):
        nonlocal probe
        for module in new:
            probe = module(probe)
            modules.append(module)

    for layer in layers:
        channels = probe.shape[1]
        if "conv" in layer:
            kernel = layer.get("kernel", 3)
            stride = layer.get("stride", 1)
            add(nn.Conv2d(channels, layer["conv"], kernel, stride, (kernel - 1) // 2), nn.ReLU())
        elif "separable" in layer:
            stride = layer.get("stride", 1)
            add(nn.Conv2d(channels, channels, 3, stride, 1, groups=channels), nn.ReLU())
            add(nn.Conv2d(channels, layer["separable"], 1), nn.ReLU())
        elif "residual" in layer:
            add(Residual(channels, layer["residual"], layer.get("stride", 1), layer.get("normalization", "batch")))
        elif "pool" in layer:
            add(nn.MaxPool2d(layer["pool"]))
        elif "globalPool" in layer:
            add(nn.AdaptiveAvgPool2d(1))
        elif "dense" in layer:
            if probe.dim() > 2:
                add(nn.Flatten())
            add(nn.Linear(probe.shape[1], layer["dense"]), nn.ReLU())
    if probe.dim() > 2:
        add(nn.Flatten())
    add(nn.Linear(probe.shape[1], outputs))
    return nn.Sequential(*modules)


def perceptron(hidden, width, outputs, dropout):
    modules = []
    for size in hidden:
        modules += [nn.Linear(width, size), nn.ReLU()] + ([nn.Dropout(dropout)] if dropout > 0 else [])
        width = size
    return nn.Sequential(*modules, nn.Linear(width, outputs))


class Block(nn.Module):
    def __init__(self, size, heads, inner, fused):
        super().__init__()
        self.heads = heads
        self.fused = fused
        self.norm1 = nn.LayerNorm(size)
        self.qkv = nn.Linear(size, 3 * size)
        self.output = nn.Linear(size, size)
        self.norm2 = nn.LayerNorm(size)
        self.inner = nn.Linear(size, inner)
        self.outer = nn.Linear(inner, size)

    def forward(self, x):
        batch, length, size = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, size // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = torch.softmax(q @ k.transpose(-1, -2) * (size // self.heads) ** -0.5, -1) @ v
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, length, size))
        return x + self.outer(F.gelu(self.inner(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, model, length, vocabulary, outputs, fused):
        super().__init__()
        size = model["dimension"]
        inner = model.get("feedForward", 4 * size)
        self.table = nn.Embedding(vocabulary, size)
        self.positions = nn.Parameter(torch.randn(length, size) * 0.02)
        self.blocks = nn.Sequential(*[Block(size, model["heads"], inner, fused) for _ in range(model["layers"])])
        self.norm = nn.LayerNorm(size)
        self.output = nn.Linear(size, outputs)

    def forward(self, tokens):
        x = self.table(tokens) + self.positions
        return self.output(self.norm(self.blocks(x)).mean(1))


def networks(case):
    """The case's network by variant, and the layout of its input."""
    model, shape, outputs = case["model"], case["input"]["shape"], case["outputs"]
    if model["type"] == "mlp":
        yield "", perceptron(model["hidden"], shape[0], outputs, case["dropout"]), None
    elif model["type"] == "cnn":
        yield "nchw ", convolutional(model["layers"], shape, outputs), None
        network = convolutional(model["layers"], shape, outputs).to(memory_format=torch.channels_last)
        yield "channels_last ", network, torch.channels_last
    else:
        for fused in (False, True):
            network = Transformer(model, shape[0], case["input"]["vocabulary"], outputs, fused)
            yield "SDPA " if fused else "", network, None


def optimizers(case, parameters):
    for name, options in (("default", {}), ("foreach", {"foreach": True}), ("fused", {"fused": True})):
        parameters = list(parameters)
        if case["optimizer"] == "sgd":
            yield name, torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, **options)
        else:
            yield name, torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, **options)


def variants(case):
    shape, batch = case["input"]["shape"], case["batchSize"]
    labels = torch.arange(batch) % case["outputs"]
    found = {}
    for layout, network, memory_format in networks(case):
        if case["input"]["type"] == "int64":
            x = torch.arange(batch * shape[0]).reshape(batch, -1) * 7 % case["input"]["vocabulary"]
        else:
            x = torch.randn(batch, *shape)
        if memory_format is not None:
            x = x.to(memory_format=memory_format)
        for name, optimizer in optimizers(case, network.parameters()):

            def step(network=network, optimizer=optimizer, x=x):
                optimizer.zero_grad()
                F.cross_entropy(network(x), labels).backward()
                optimizer.step()

            found[layout + name] = step
    return found


def main():
    steps = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            answer = {"name": "PyTorch " + torch.__version__}
        elif request["do"] == "prepare":
            torch.manual_seed(1)
            torch.set_num_threads(request["threads"])
            steps = variants(request["case"])
            answer = {"variants": list(steps)}
        else:
            step = steps[request["variant"]]
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(request["steps"]):
                step()
            answer = {"wall": 1e3 * (time.perf_counter() - wall), "cpu": 1e3 * (time.process_time() - cpu)}
        print(json.dumps(answer), flush=True)


main()
