"""Colour operations of torchvision.transforms.v2.functional. Run: python make_colour.py > colour.json"""
import json
import torch
import torchvision
from torchvision.transforms.v2 import functional as F

torch.manual_seed(3)
out = {"torchvision": torchvision.__version__, "cases": []}


def bytes_of(x):
    """On the scale of bytes, fractions kept."""
    return x.tolist() if x.dtype == torch.uint8 else [[[round(v * 255, 3) for v in r] for r in c] for c in x.tolist()]


for channels in [1, 3]:
    # Whole numbers of 255, so that operations on bytes and on floats see the same image.
    image = torch.randint(20, 230, (channels, 7, 6), dtype=torch.uint8)
    image[:, :3, :2] = 20
    floats = image.float() / 255

    def case(name, amount, result):
        out["cases"].append({"operation": name, "amount": amount, "image": image.tolist(), "result": bytes_of(result)})

    for factor in [0.0, 0.6, 1.0, 1.7]:
        case("brightness", factor, F.adjust_brightness(floats, factor))
        case("contrast", factor, F.adjust_contrast(floats, factor))
        case("saturation", factor, F.adjust_saturation(floats, factor))
        case("sharpness", factor, F.adjust_sharpness(floats, factor))
    for threshold in [0.0, 0.5, 1.0]:
        case("solarize", threshold, F.solarize(floats, threshold))
    for bits in [2, 4, 7, 8]:
        case("posterize", bits, F.posterize(image, bits))
    case("autocontrast", 0, F.autocontrast(floats))
    case("equalize", 0, F.equalize(image))
flat = torch.full((1, 7, 6), 100, dtype=torch.uint8)
for name in ["autocontrast", "equalize"]:
    out["cases"].append({"operation": name, "amount": 0, "image": flat.tolist(), "result": bytes_of(getattr(F, name)(flat))})
print(json.dumps(out))
