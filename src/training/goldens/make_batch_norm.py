"""Batch normalization while training, in PyTorch, double precision. Run: python make_batch_norm.py > batch-norm.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(31)
f32 = lambda a: np.asarray(a, dtype=np.float32).astype(np.float64)
out = {"torch": torch.__version__, "cases": []}
# Momenta that float32 holds: in ONNX they are attributes of that type.
for shape, momentum, epsilon in [((6, 3), 0.125, 1e-5), ((4, 3, 2, 3), 0.125, 1e-5), ((5, 2, 4), 0.25, 1e-3), ((2, 4), 0.125, 1e-5)]:
    channels = shape[1]
    layer = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[len(shape)](channels, eps=epsilon, momentum=momentum)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(f32(rng.normal(1, 0.3, channels))))
        layer.bias.copy_(torch.tensor(f32(rng.normal(0, 0.3, channels))))
        layer.running_mean.copy_(torch.tensor(f32(rng.normal(0, 1, channels))))
        layer.running_var.copy_(torch.tensor(f32(rng.uniform(0.5, 2, channels))))
    case = {"shape": shape, "momentum": momentum, "epsilon": epsilon, "scale": layer.weight.tolist(), "shift": layer.bias.tolist(),
            "mean": layer.running_mean.tolist(), "variance": layer.running_var.tolist(), "batches": []}
    for _ in range(3):
        x = torch.tensor(f32(rng.normal(0.5, 2, size=shape)), requires_grad=True)
        seed = torch.tensor(f32(rng.normal(size=shape)))
        layer.zero_grad()
        y = layer(x)
        (y * seed).sum().backward()
        case["batches"].append({
            "x": x.flatten().tolist(), "seed": seed.flatten().tolist(), "y": y.flatten().tolist(),
            "dx": x.grad.flatten().tolist(), "dScale": layer.weight.grad.tolist(), "dShift": layer.bias.grad.tolist(),
            "runningMean": layer.running_mean.tolist(), "runningVariance": layer.running_var.tolist()})
    out["cases"].append(case)
print(json.dumps(out))
