"""Gradients of element-wise functions for which ONNX Runtime has no double-precision kernel."""

import math

import torch
import torch.nn.functional as F

from golden import Goldens

goldens = Goldens(1)
whole = goldens.normal(3, 4, scale=2.0)
inside = goldens.uniform(-0.9, 0.9, 3, 4)
above = goldens.uniform(1.2, 4.0, 3, 4)
kinked = goldens.distinct(4, 6, gap=0.37)

for operator, function, x in [
    ("Tan", torch.tan, goldens.uniform(-1.2, 1.2, 3, 4)),
    ("Atan", torch.atan, whole),
    ("Asin", torch.asin, inside),
    ("Acos", torch.acos, inside),
    ("Sinh", torch.sinh, whole),
    ("Cosh", torch.cosh, whole),
    ("Asinh", torch.asinh, whole),
    ("Acosh", torch.acosh, above),
    ("Atanh", torch.atanh, inside),
    ("Erf", torch.erf, whole),
    ("Softplus", F.softplus, whole),
    ("Softsign", F.softsign, whole),
    ("LeakyRelu", F.leaky_relu, kinked),
    ("Elu", F.elu, kinked),
    ("Celu", F.celu, kinked),
    ("Selu", F.selu, kinked),
    ("HardSwish", F.hardswish, kinked),
    ("Mish", F.mish, whole),
    ("Gelu", F.gelu, whole),
]:
    goldens.add(operator, "", [x], function)

goldens.add("LeakyRelu", "alpha", [kinked], lambda x: F.leaky_relu(x, 0.3), {"alpha": 0.3})
goldens.add("Elu", "alpha", [kinked], lambda x: F.elu(x, 0.7), {"alpha": 0.7})
goldens.add("Celu", "alpha", [kinked], lambda x: F.celu(x, 0.7), {"alpha": 0.7})
goldens.add(
    "Selu",
    "alpha and gamma",
    [kinked],
    lambda x: 1.2 * torch.where(x > 0, x, 0.7 * (torch.exp(x) - 1)),
    {"alpha": 0.7, "gamma": 1.2},
)
goldens.add("ThresholdedRelu", "", [kinked], lambda x: torch.where(x > 1, x, 0 * x))
goldens.add("ThresholdedRelu", "alpha", [kinked], lambda x: torch.where(x > 0.5, x, 0 * x), {"alpha": 0.5})
goldens.add("HardSigmoid", "", [kinked], lambda x: torch.clamp(0.2 * x + 0.5, 0, 1))
goldens.add(
    "HardSigmoid",
    "alpha and beta",
    [kinked],
    lambda x: torch.clamp(0.3 * x + 0.4, 0, 1),
    {"alpha": 0.3, "beta": 0.4},
)
goldens.add(
    "Shrink",
    "",
    [kinked],
    lambda x: torch.where(x > 0.7, x - 0.2, torch.where(x < -0.7, x + 0.2, 0 * x)),
    {"lambd": 0.7, "bias": 0.2},
)
goldens.add("Gelu", "tanh", [whole], lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"})
slope = goldens.normal(4)
goldens.add("PRelu", "slope per column", [goldens.distinct(3, 4), slope], lambda x, a: torch.where(x > 0, x, a * x))
goldens.add(
    "PRelu", "slope per channel", [goldens.distinct(2, 3, 2, 2), goldens.normal(3, 1, 1)], lambda x, a: torch.where(x > 0, x, a * x)
)
goldens.add("PRelu", "one slope", [goldens.distinct(2, 3), goldens.normal(1)], lambda x, a: torch.where(x > 0, x, a * x))
goldens.add(
    "QuickGelu", "alpha", [whole], lambda x: x * torch.sigmoid(1.3 * x), {"alpha": 1.3}, domain="com.microsoft"
)
goldens.add("QuickGelu", "", [whole], lambda x: x * torch.sigmoid(1.702 * x), domain="com.microsoft")
goldens.add("FastGelu", "", [whole], lambda x: F.gelu(x, approximate="tanh"), domain="com.microsoft")
goldens.add(
    "FastGelu", "bias", [whole, goldens.normal(4)], lambda x, b: F.gelu(x + b, approximate="tanh"), domain="com.microsoft"
)
goldens.add("BiasGelu", "", [whole, goldens.normal(4)], lambda x, b: F.gelu(x + b), domain="com.microsoft")
assert math.isclose(F.gelu(torch.tensor(1.0)).item(), 0.8413447460685429)
goldens.write(__file__, "activation.json")
