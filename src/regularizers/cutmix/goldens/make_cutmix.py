"""Batches mixed by torchvision.transforms.v2.CutMix, its draws fixed. Run: python make_cutmix.py > cutmix.json"""
import json
from unittest import mock
import numpy as np
import torch
import torchvision
from torchvision.transforms import v2

rng = np.random.default_rng(3)
cases = []
for share, row, column, (batch, channels, height, width) in [
    (0.5, 3, 4, (3, 2, 7, 9)),
    (0.2, 0, 8, (4, 1, 7, 9)),
    (0.9, 6, 0, (2, 3, 7, 9)),
    (0.02, 14, 1, (2, 1, 16, 16)),
    (0.999, 5, 5, (2, 1, 16, 16)),
]:
    images = torch.tensor(np.round(rng.normal(size=(batch, channels, height, width)), 3))
    labels = torch.tensor(rng.integers(0, 3, size=batch))
    transform = v2.CutMix(alpha=1.0, num_classes=3)
    transform._dist = mock.Mock(sample=lambda _size: torch.tensor(share, dtype=torch.float64))
    draws = iter([column, row])
    with mock.patch("torch.randint", lambda *_a, **_k: torch.tensor([next(draws)])):
        # torchvision pairs a row with the one before it; in reverse order that is the one after it.
        mixed, targets = transform(images.flip(0), labels.flip(0))
    cases.append({
        "share": share, "row": row, "column": column, "shape": [batch, channels, height, width],
        "images": images.flatten().tolist(), "labels": labels.tolist(),
        "mixed": mixed.flip(0).flatten().tolist(), "targets": targets.flip(0).tolist(),
    })
print(json.dumps({"torchvision": torchvision.__version__, "cases": cases}))
