"""Gradients of Resize, for which ONNX Runtime has no double-precision kernel."""

import torch
import torch.nn.functional as F

from golden import Goldens

goldens = Goldens(5)


def resize(variant, shape, size, attributes, **options):
    goldens.add(
        "Resize",
        variant,
        [goldens.normal(*shape), None, None, torch.tensor([*shape[:2], *size])],
        lambda x, *_: F.interpolate(x, size=size, **options),
        attributes,
    )


floor = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
resize("nearest, twice and three times", (2, 2, 3, 2), [6, 6], floor, mode="nearest")
resize("nearest, to any size", (1, 2, 4, 5), [7, 3], floor, mode="nearest")
resize("nearest, half pixel", (1, 2, 4, 5), [7, 9], {"nearest_mode": "round_prefer_ceil"}, mode="nearest-exact")
resize("linear", (1, 2, 5), [8], {"mode": "linear"}, mode="linear")
resize("bilinear, larger", (1, 2, 3, 4), [6, 7], {"mode": "linear"}, mode="bilinear")
resize("bilinear, smaller", (1, 2, 6, 7), [3, 4], {"mode": "linear"}, mode="bilinear")
corners = {"coordinate_transformation_mode": "align_corners"}
resize("bilinear, align_corners", (1, 2, 3, 4), [5, 7], {"mode": "linear", **corners}, mode="bilinear", align_corners=True)
resize("trilinear", (1, 1, 2, 3, 3), [3, 5, 4], {"mode": "linear"}, mode="trilinear")
resize("bicubic", (1, 2, 4, 5), [7, 8], {"mode": "cubic"}, mode="bicubic")
resize("bicubic, align_corners", (1, 1, 4, 5), [7, 8], {"mode": "cubic", **corners}, mode="bicubic", align_corners=True)
smooth = {"antialias": 1, "exclude_outside": 1}
resize("bilinear, antialias", (1, 1, 7, 8), [3, 5], {"mode": "linear", **smooth}, mode="bilinear", antialias=True)
resize(
    "bicubic, antialias",
    (1, 1, 9, 8),
    [4, 5],
    {"mode": "cubic", "cubic_coeff_a": -0.5, **smooth},
    mode="bicubic",
    antialias=True,
)
goldens.write(__file__, "resize.json")
