"""Gradients of normalizations for which ONNX Runtime has no double-precision kernel."""

import torch
import torch.nn.functional as F

from golden import Goldens

goldens = Goldens(4)
for variant, shape in [("2d", (2, 3, 3, 4)), ("1d", (3, 2, 5))]:
    goldens.add(
        "InstanceNormalization",
        variant,
        [goldens.normal(*shape), goldens.normal(shape[1]), goldens.normal(shape[1])],
        lambda x, scale, bias: F.instance_norm(x, weight=scale, bias=bias, eps=0.1),
        {"epsilon": 0.1},
    )
x = goldens.normal(2, 5, 2, 3)
goldens.add(
    "LRN",
    "",
    [x],
    lambda x: F.local_response_norm(x, 3, alpha=0.3, beta=0.6, k=1.5),
    {"size": 3, "alpha": 0.3, "beta": 0.6, "bias": 1.5},
)


def standardized(x, axes):
    mean = x.mean(axes, keepdim=True)
    return (x - mean) / (((x - mean) ** 2).mean(axes, keepdim=True).sqrt() + 1e-9)


goldens.add("MeanVarianceNormalization", "", [x], lambda x: standardized(x, (0, 2, 3)))
goldens.add("MeanVarianceNormalization", "axes", [x], lambda x: standardized(x, (2, 3)), {"axes": [2, 3]})


def with_statistics(x, scale, bias):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    return F.layer_norm(x, (4,), scale, bias, eps=0.1), mean, 1 / (variance + 0.1).sqrt()


goldens.add(
    "LayerNormalization",
    "mean and deviation",
    [goldens.normal(3, 4), goldens.normal(4), goldens.normal(4)],
    with_statistics,
    {"epsilon": 0.1},
    outputs=3,
)
goldens.write(__file__, "normalization.json")
