"""Forward passes of the same architectures in PyTorch, with Ballast's names and layouts of weights.
Run: python make_models.py > models.json"""
import json
import math
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(41)
f32 = lambda a: np.asarray(a, dtype=np.float32).astype(np.float64)
ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh, "elu": F.elu, "leaky-relu": F.leaky_relu,
               "softplus": F.softplus, "hard-swish": F.hardswish}


class Weights:
    """Draws each weight once and remembers it by Ballast's name."""

    def __init__(self):
        self.values, self.count = {}, 0

    def __call__(self, name, *shape, low=None):
        value = rng.uniform(0.5, 2, size=shape) if low else rng.normal(0, 0.5, size=shape)
        self.values[name] = np.round(f32(value), 4)
        return torch.tensor(f32(self.values[name]))

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"


def norm(w, x, kind):
    if kind == "none":
        return x
    name, channels = w.name("norm"), x.shape[1]
    if kind == "layer":
        scale, shift = w(f"{name}.scale", *x.shape[1:], low=1), w(f"{name}.shift", *x.shape[1:])
        return F.layer_norm(x, x.shape[1:], scale, shift, 1e-5)
    scale, shift = w(f"{name}.scale", channels, low=1), w(f"{name}.shift", channels)
    if kind == "group":
        groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
        return F.group_norm(x, groups, scale, shift, 1e-5)
    return F.batch_norm(x, w(f"{name}.mean", channels), w(f"{name}.variance", channels, low=1), scale, shift, False, 0.1, 1e-5)


def dense(w, x, out, name=None):
    name = name or w.name("dense")
    return x @ w(f"{name}.weight", x.shape[1], out) + w(f"{name}.bias", out)


def conv(w, x, out, kernel=3, stride=1, groups=1, bias=True):
    name = w.name("conv")
    weight = w(f"{name}.weight", out, x.shape[1] // groups, kernel, kernel)
    before, after = (kernel - 1) // 2, kernel - 1 - (kernel - 1) // 2
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, w(f"{name}.bias", out) if bias else None, stride, groups=groups)


def cnn(w, x, layers):
    for layer in layers:
        kind, act = layer.get("normalization", "batch" if "residual" in layer else "none"), ACTIVATIONS[layer.get("activation", "relu")]
        if "dense" in layer:
            x = act(norm(w, dense(w, x.flatten(1), layer["dense"]), kind))
        elif "pool" in layer:
            x = (F.avg_pool2d if layer.get("kind") == "average" else F.max_pool2d)(x, layer["pool"])
        elif "globalPool" in layer:
            x = x.mean((2, 3), keepdim=True) if layer["globalPool"] == "average" else x.amax((2, 3), keepdim=True)
        elif "separable" in layer:
            x = act(norm(w, conv(w, x, x.shape[1], stride=layer.get("stride", 1), groups=x.shape[1]), kind))
            x = act(norm(w, conv(w, x, layer["separable"], kernel=1), kind))
        elif "residual" in layer:
            out, stride, bias = layer["residual"], layer.get("stride", 1), kind == "none"
            first = act(norm(w, conv(w, x, out, stride=stride, bias=bias), kind))
            second = norm(w, conv(w, first, out, bias=bias), kind)
            shortcut = x if stride == 1 and x.shape[1] == out else norm(w, conv(w, x, out, kernel=1, stride=stride, bias=bias), kind)
            x = act(second + shortcut)
        else:
            x = act(norm(w, conv(w, x, layer["conv"], layer.get("kernel", 3), layer.get("stride", 1), layer.get("groups", 1), kind == "none"), kind))
    return x.flatten(1)


def mlp(w, x, hidden, activation, normalization):
    for width in hidden:
        x = ACTIVATIONS[activation](norm(w, dense(w, x, width), normalization))
    return x


def transformer(w, x, o, vocabulary):
    """PyTorch's own encoder layer, pre-normalized, given Ballast's weights."""
    d, heads, depth, inner = o["dimension"], o["heads"], o["layers"], o.get("feedForward", 4 * o["dimension"])
    if vocabulary:
        x = w("embedding.table", vocabulary, d)[x]
    else:
        x = x @ w("embedding.weight", x.shape[2], d) + w("embedding.bias", d)
    x = x + w("embedding.positions", x.shape[1], d)
    for i in range(1, depth + 1):
        layer = nn.TransformerEncoderLayer(d, heads, inner, dropout=0.0, activation=ACTIVATIONS[o.get("activation", "gelu")], batch_first=True, norm_first=True)
        at = lambda name, *shape, low=None: w(f"block{i}.{name}", *shape, low=low)
        with torch.no_grad():
            layer.norm1.weight.copy_(at("norm1.scale", d, low=1)); layer.norm1.bias.copy_(at("norm1.shift", d))
            layer.self_attn.in_proj_weight.copy_(at("attention.qkv.weight", d, 3 * d).T); layer.self_attn.in_proj_bias.copy_(at("attention.qkv.bias", 3 * d))
            layer.self_attn.out_proj.weight.copy_(at("attention.output.weight", d, d).T); layer.self_attn.out_proj.bias.copy_(at("attention.output.bias", d))
            layer.norm2.weight.copy_(at("norm2.scale", d, low=1)); layer.norm2.bias.copy_(at("norm2.shift", d))
            layer.linear1.weight.copy_(at("inner.weight", d, inner).T); layer.linear1.bias.copy_(at("inner.bias", inner))
            layer.linear2.weight.copy_(at("outer.weight", inner, d).T); layer.linear2.bias.copy_(at("outer.bias", d))
            x = layer(x)
    x = F.layer_norm(x, (d,), w("final.norm.scale", d, low=1), w("final.norm.shift", d), 1e-5)
    return x.mean(1)


cases = []


def case(title, options, shape, outputs, build, vocabulary=None):
    w = Weights()
    rows = 3
    x = rng.integers(0, vocabulary, size=(rows, *shape)) if vocabulary else f32(np.round(rng.normal(size=(rows, *shape)), 4))
    y = dense(w, build(w, torch.tensor(x)), outputs, "output")
    cases.append({"title": title, "options": options, "shape": shape, "outputs": outputs, "vocabulary": vocabulary,
                  "x": np.asarray(x).flatten().tolist(), "y": y.flatten().tolist(),
                  "weights": {k: {"shape": v.shape, "data": v.flatten().tolist()} for k, v in w.values.items()}})


case("linear", {"type": "linear"}, [5], 1, lambda w, x: x)
case("logistic", {"type": "logistic"}, [5], 3, lambda w, x: x)
for activation in ACTIVATIONS:
    case(f"mlp {activation}", {"type": "mlp", "hidden": [6, 4], "activation": activation}, [5], 3, lambda w, x: mlp(w, x, [6, 4], activation, "none"))
for kind in ("batch", "layer"):
    case(f"mlp {kind}", {"type": "mlp", "hidden": [6], "normalization": kind}, [5], 3, lambda w, x: mlp(w, x, [6], "relu", kind))
for title, layers in [
    ("plain", [{"conv": 4}, {"pool": 2}, {"conv": 3, "kernel": 2, "stride": 2}, {"dense": 5}]),
    ("grouped, average", [{"conv": 4, "groups": 2, "kernel": 5}, {"pool": 2, "kind": "average"}, {"conv": 4, "normalization": "layer"}]),
    ("residual", [{"residual": 2}, {"residual": 4, "stride": 2}, {"residual": 4}, {"globalPool": "average"}]),
    ("residual without normalization", [{"residual": 3, "normalization": "none", "activation": "tanh"}, {"globalPool": "max"}]),
    ("separable", [{"separable": 4}, {"separable": 6, "stride": 2, "normalization": "batch"}, {"dense": 4, "normalization": "layer"}]),
    ("group norm", [{"conv": 6, "normalization": "group"}, {"conv": 8, "normalization": "group"}, {"residual": 3, "normalization": "group"}, {"pool": 3}]),
]:
    case(f"cnn {title}", {"type": "cnn", "layers": layers}, [2, 7, 6], 3, lambda w, x: cnn(w, x, layers))
o = {"type": "transformer", "dimension": 8, "heads": 2, "layers": 2}
case("transformer tokens", o, [5], 3, lambda w, x: transformer(w, x, o, 11), vocabulary=11)
s = {"type": "transformer", "dimension": 6, "heads": 3, "layers": 1, "feedForward": 10, "activation": "relu"}
case("transformer series", s, [4, 2], 2, lambda w, x: transformer(w, x, s, None))
print(json.dumps({"torch": torch.__version__, "cases": cases}))
