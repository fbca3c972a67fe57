"""Fake quantization in PyTorch. Run: python make_quantization.py > quantization.json"""
import json
import numpy as np
import torch
from torch.ao.quantization import MovingAverageMinMaxObserver

rng = np.random.default_rng(3)
out = {"torch": torch.__version__, "weights": [], "batches": []}
w = torch.tensor(rng.normal(size=(3, 5)).astype(np.float32))
seed = torch.tensor(rng.normal(size=(3, 5)).astype(np.float32))
for bits, axis in [(8, 0), (4, 1), (2, 0)]:
    high = 2 ** (bits - 1) - 1
    scale = w.abs().amax(dim=1 - axis) / high
    v = w.clone().requires_grad_()
    y = torch.fake_quantize_per_channel_affine(v, scale, torch.zeros(len(scale), dtype=torch.int32), axis, -high, high)
    (y * seed).sum().backward()
    out["weights"].append({"bits": bits, "axis": axis, "y": y.flatten().tolist(), "gradient": v.grad.flatten().tolist()})
out["w"], out["seed"], out["shape"] = w.flatten().tolist(), seed.flatten().tolist(), [3, 5]
observer = MovingAverageMinMaxObserver(averaging_constant=0.25, dtype=torch.quint8, quant_min=0, quant_max=255)
for i in range(3):
    x = torch.tensor((rng.normal(size=(4, 6)) * (1 + i) + 0.5).astype(np.float32))
    observer(x)
    scale, zero = observer.calculate_qparams()
    v = x.clone().requires_grad_()
    y = torch.fake_quantize_per_tensor_affine(v, scale.item(), int(zero.item()), 0, 255)
    (y * 2).sum().backward()
    out["batches"].append({"x": x.flatten().tolist(), "range": [observer.min_val.item(), observer.max_val.item()], "scale": scale.item(), "zeroPoint": zero.item(),
                           "y": y.flatten().tolist(), "gradient": v.grad.flatten().tolist()})
print(json.dumps(out))
