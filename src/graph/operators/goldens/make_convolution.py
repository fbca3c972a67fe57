"""Gradients of convolutions and transposed convolutions, for which ONNX Runtime has no double-precision kernel."""

import math

import torch
import torch.nn.functional as F

from golden import Goldens

goldens = Goldens(2)
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def torch_pads(begins, ends):
    return [pad for pair in reversed(list(zip(begins, ends))) for pad in pair]


def conv(variant, x, w, bias=True, strides=None, dilations=None, pads=None, group=1, auto_pad=None):
    rank = len(w) - 2
    attributes = {}
    if strides:
        attributes["strides"] = strides
    if dilations:
        attributes["dilations"] = dilations
    if pads:
        attributes["pads"] = pads
    if group != 1:
        attributes["group"] = group
    if auto_pad:
        attributes["auto_pad"] = auto_pad
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    begins, ends = list(pads[:rank]), list(pads[rank:])
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        for axis in range(rank):
            size, stride = x[axis + 2], strides[axis]
            total = max(0, (math.ceil(size / stride) - 1) * stride + (w[axis + 2] - 1) * dilations[axis] + 1 - size)
            small, large = total // 2, total - total // 2
            begins[axis], ends[axis] = (small, large) if auto_pad == "SAME_UPPER" else (large, small)

    def function(x, w, *b):
        return CONV[rank](F.pad(x, torch_pads(begins, ends)), w, *b, stride=strides, dilation=dilations, groups=group)

    inputs = [goldens.normal(*x), goldens.normal(*w)] + ([goldens.normal(w[0])] if bias else [])
    goldens.add("Conv", variant, inputs, function, attributes)


def transposed(variant, x, w, bias=True, strides=None, dilations=None, pads=None, group=1, output_padding=None, **more):
    rank = len(w) - 2
    attributes = dict(more)
    if strides:
        attributes["strides"] = strides
    if dilations:
        attributes["dilations"] = dilations
    if pads:
        attributes["pads"] = pads
    if group != 1:
        attributes["group"] = group
    if output_padding:
        attributes["output_padding"] = output_padding
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    extra = output_padding or [0] * rank
    begins, ends = list(pads[:rank]), list(pads[rank:])
    full = [
        (x[axis + 2] - 1) * strides[axis] + extra[axis] + (w[axis + 2] - 1) * dilations[axis] + 1 for axis in range(rank)
    ]
    for axis in range(rank):
        if "output_shape" in more or more.get("auto_pad", "").startswith("SAME"):
            size = more["output_shape"][axis] if "output_shape" in more else x[axis + 2] * strides[axis]
            total = max(0, full[axis] - size)
            small, large = total // 2, total - total // 2
            upper = more.get("auto_pad") == "SAME_UPPER"
            begins[axis], ends[axis] = (small, large) if upper else (large, small)

    def function(x, w, *b):
        y = TRANSPOSED[rank](x, w, stride=strides, dilation=dilations, groups=group)
        # Output padding lengthens the result by positions that only the bias reaches.
        y = F.pad(y, torch_pads([0] * rank, extra))
        y = y + b[0].reshape(-1, *[1] * rank) if b else y
        index = [slice(None), slice(None)]
        index += [slice(begins[axis], full[axis] - ends[axis]) for axis in range(rank)]
        return y[tuple(index)]

    inputs = [goldens.normal(*x), goldens.normal(*w)] + ([goldens.normal(w[1] * group)] if bias else [])
    goldens.add("ConvTranspose", variant, inputs, function, attributes)


conv("1d", [2, 3, 6], [4, 3, 3])
conv("1d, stride, dilation, uneven pads", [2, 2, 9], [3, 2, 3], strides=[2], dilations=[2], pads=[1, 2])
conv("2d, no bias", [2, 3, 5, 4], [4, 3, 3, 3], bias=False, pads=[1, 1, 1, 1])
conv("2d, bias", [2, 3, 5, 4], [4, 3, 3, 3], pads=[1, 1, 1, 1])
conv("2d, stride", [1, 2, 6, 7], [3, 2, 3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
conv("2d, stride, rows left over", [1, 2, 6, 8], [3, 2, 3, 3], strides=[2, 3])
conv("2d, stride above kernel", [1, 2, 7, 8], [2, 2, 2, 1], strides=[3, 2])
conv("2d, dilation", [1, 2, 7, 6], [2, 2, 3, 2], dilations=[2, 3], pads=[1, 0, 2, 1])
conv("2d, groups", [2, 4, 4, 4], [6, 2, 3, 3], group=2, pads=[1, 1, 1, 1])
conv("2d, depthwise", [2, 3, 5, 5], [3, 1, 3, 3], group=3, strides=[2, 1], pads=[1, 1, 1, 1])
conv("2d, depthwise, multiplier", [1, 2, 4, 4], [4, 1, 2, 2], group=2)
conv("2d, 1x1", [2, 3, 3, 2], [4, 3, 1, 1])
conv("2d, 1x1, stride", [1, 3, 5, 4], [2, 3, 1, 1], strides=[2, 2])
conv("2d, SAME_UPPER", [1, 2, 6, 5], [2, 2, 4, 3], strides=[2, 2], auto_pad="SAME_UPPER")
conv("2d, SAME_LOWER", [1, 2, 6, 5], [2, 2, 4, 2], strides=[1, 2], auto_pad="SAME_LOWER")
conv("2d, VALID", [1, 2, 5, 5], [2, 2, 3, 2], strides=[2, 1], auto_pad="VALID")
conv("2d, window of 42", [1, 1, 8, 7], [2, 1, 7, 6], pads=[2, 1, 1, 2])
conv("3d", [1, 2, 4, 3, 4], [2, 1, 2, 2, 3], strides=[2, 1, 1], pads=[1, 0, 1, 0, 1, 1], group=2)

transposed("1d", [2, 3, 4], [3, 2, 3])
transposed("1d, stride, pads, output padding", [1, 2, 4], [2, 3, 3], strides=[2], pads=[1, 1], output_padding=[1])
transposed("2d", [2, 3, 3, 4], [3, 2, 3, 2], bias=False)
transposed("2d, stride and output padding", [1, 2, 3, 3], [2, 3, 3, 3], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
transposed("2d, groups", [1, 4, 3, 3], [4, 2, 2, 3], group=2, strides=[2, 1])
transposed("2d, dilation, uneven pads", [1, 2, 4, 3], [2, 2, 2, 3], dilations=[2, 2], pads=[1, 0, 0, 2])
transposed("2d, output_shape", [1, 2, 3, 3], [2, 2, 3, 3], strides=[3, 2], output_shape=[8, 6])
transposed("2d, SAME_UPPER", [1, 2, 3, 3], [2, 2, 3, 4], strides=[2, 2], auto_pad="SAME_UPPER")
transposed("2d, SAME_LOWER", [1, 2, 3, 3], [2, 2, 3, 4], strides=[2, 2], auto_pad="SAME_LOWER")
transposed("3d", [1, 2, 2, 3, 2], [2, 2, 2, 2, 3], strides=[1, 2, 1], pads=[0, 1, 1, 0, 0, 1])


def col2im(variant, image, block, strides=(1, 1), dilations=(1, 1), pads=(0, 0)):
    places = math.prod(
        (image[a] + 2 * pads[a] - (block[a] - 1) * dilations[a] - 1) // strides[a] + 1 for a in range(2)
    )
    x = goldens.normal(2, 2 * block[0] * block[1], places)
    goldens.add(
        "Col2Im",
        variant,
        [x, torch.tensor(image), torch.tensor(block)],
        lambda x, *_: F.fold(x, image, block, dilation=dilations, padding=pads, stride=strides),
        {"strides": strides, "dilations": dilations, "pads": [*pads, *pads]},
    )


col2im("", [4, 5], [2, 3])
col2im("stride, dilation, pads", [6, 7], [2, 2], (2, 1), (1, 2), (1, 1))
goldens.write(__file__, "convolution.json")
