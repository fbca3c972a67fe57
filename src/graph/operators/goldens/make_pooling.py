"""Gradients of pooling for which ONNX Runtime has no double-precision kernel."""

import itertools

import torch
import torch.nn.functional as F

from golden import Goldens

goldens = Goldens(3)
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def average(variant, x, kernel, strides=None, pads=None, include=False, ceil=False):
    rank = len(kernel)
    strides, pads = strides or [1] * rank, pads or [0] * rank
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": [*pads, *pads]}
    if include:
        attributes["count_include_pad"] = 1
    if ceil:
        attributes["ceil_mode"] = 1
    goldens.add(
        "AveragePool",
        variant,
        [goldens.normal(*x)],
        lambda x: AVERAGE[rank](x, kernel, strides, pads, ceil_mode=ceil, count_include_pad=include),
        attributes,
    )


average("tiles", [2, 2, 4, 6], [2, 3], [2, 3])
average("tiles, rows left over", [1, 2, 5, 7], [2, 3], [2, 3])
average("overlapping", [1, 2, 5, 6], [3, 2], [2, 1])
average("pads not counted", [1, 2, 5, 6], [3, 3], [2, 2], [1, 1])
average("pads counted", [1, 2, 5, 6], [3, 3], [2, 2], [1, 1], include=True)
average("ceil_mode", [1, 2, 6, 5], [3, 2], [2, 2], ceil=True)
average("ceil_mode, pads not counted", [1, 2, 6, 7], [3, 3], [2, 2], [1, 0], ceil=True)
average("ceil_mode, pads counted", [1, 2, 6, 7], [3, 3], [2, 3], [1, 1], include=True, ceil=True)
average("1d", [2, 3, 7], [3], [2], [1])
average("3d", [1, 2, 4, 3, 4], [2, 2, 2], [1, 1, 2], [1, 0, 1])


def windows(x, kernel, strides, dilations, begins, sizes):
    """Every window as a list of the elements inside the input, by plain indexing."""
    spatial = x.shape[2:]
    for place in itertools.product(*[range(size) for size in sizes]):
        elements = []
        for offset in itertools.product(*[range(k) for k in kernel]):
            at = [p * s + o * d - b for p, s, o, d, b in zip(place, strides, offset, dilations, begins)]
            if all(0 <= i < n for i, n in zip(at, spatial)):
                elements.append(x[(slice(None), slice(None), *at)])
        yield torch.stack(elements)


def average_by_index(x, kernel, strides, dilations, begins, sizes):
    means = [w.mean(0) for w in windows(x, kernel, strides, dilations, begins, sizes)]
    return torch.stack(means, -1).reshape(*x.shape[:2], *sizes)


goldens.add(
    "AveragePool",
    "SAME_UPPER",
    [goldens.normal(1, 2, 5, 4)],
    lambda x: average_by_index(x, [2, 3], [2, 2], [1, 1], [0, 0], [3, 2]),
    {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
)
goldens.add(
    "AveragePool",
    "SAME_LOWER",
    [goldens.normal(1, 2, 5, 4)],
    lambda x: average_by_index(x, [2, 2], [1, 1], [1, 1], [1, 1], [5, 4]),
    {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"},
)
goldens.add(
    "AveragePool",
    "dilation",
    [goldens.normal(1, 2, 6, 5)],
    lambda x: average_by_index(x, [2, 3], [1, 1], [2, 2], [1, 1], [6, 3]),
    {"kernel_shape": [2, 3], "dilations": [2, 2], "pads": [1, 1, 1, 1]},
)

x = goldens.normal(1, 2, 5, 6)
goldens.add("LpPool", "tiles", [x], lambda x: F.lp_pool2d(x, 2, (2, 2), (2, 2)), {"kernel_shape": [2, 2], "strides": [2, 2]})
goldens.add(
    "LpPool",
    "overlapping, p = 3",
    [x],
    lambda x: F.lp_pool2d(x.abs(), 3, (3, 2), (1, 2)),
    {"kernel_shape": [3, 2], "strides": [1, 2], "p": 3},
)
goldens.add(
    "LpPool", "p = 1", [x], lambda x: F.avg_pool2d(x.abs(), 2, 1) * 4, {"kernel_shape": [2, 2], "p": 1}
)
spatial = (2, 3)
goldens.add("GlobalAveragePool", "2d", [x], lambda x: x.mean(spatial, keepdim=True))
goldens.add("GlobalAveragePool", "1d", [goldens.normal(2, 3, 4)], lambda x: x.mean(2, keepdim=True))
goldens.add("GlobalMaxPool", "2d", [goldens.distinct(2, 2, 3, 4)], lambda x: x.amax(spatial, keepdim=True))
goldens.add("GlobalMaxPool", "ties share", [torch.tensor([[[3.0, 1, 3, 2]]]).requires_grad_()], lambda x: x.amax(2, keepdim=True))
goldens.add("GlobalLpPool", "p = 2", [x], lambda x: (x**2).sum(spatial, keepdim=True).sqrt())
goldens.add("GlobalLpPool", "p = 3", [x], lambda x: (x.abs() ** 3).sum(spatial, keepdim=True) ** (1 / 3), {"p": 3})
goldens.write(__file__, "pooling.json")
