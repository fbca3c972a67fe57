"""Masks of torch.nn.utils.prune and gradients of movement pruning. Run: python make_pruning.py > pruning.json"""
import json
import numpy as np
import torch
from torch.nn.utils import prune

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)
shapes = [(6, 4), (4, 3, 3, 3), (5, 2)]
weights = [torch.tensor(rng.normal(0, 0.4 + 0.05 * i, size=s).astype(np.float32).astype(np.float64)) for i, s in enumerate(shapes)]


class Layer(torch.nn.Module):
    def __init__(self, w):
        super().__init__()
        self.weight = torch.nn.Parameter(w.clone())


out = {"torch": torch.__version__, "tensors": [{"shape": s, "weight": w.flatten().tolist()} for s, w in zip(shapes, weights)], "cases": []}
for sparsity in (0.25, 0.5, 0.9):
    layers = [Layer(w) for w in weights]
    prune.global_unstructured([(l, "weight") for l in layers], pruning_method=prune.L1Unstructured, amount=sparsity)
    out["cases"].append({"scope": "global", "structure": "weights", "sparsity": sparsity, "masks": [l.weight_mask.flatten().tolist() for l in layers]})
    layers = [Layer(w) for w in weights]
    for l in layers:
        prune.l1_unstructured(l, "weight", amount=sparsity)
    out["cases"].append({"scope": "layer", "structure": "weights", "sparsity": sparsity, "masks": [l.weight_mask.flatten().tolist() for l in layers]})
for sparsity in (0.25, 0.5):
    layers = [Layer(w) for w in weights]
    for l in layers:
        prune.ln_structured(l, "weight", amount=sparsity, n=1, dim=0)
    out["cases"].append({"scope": "layer", "structure": "channels", "sparsity": sparsity, "masks": [l.weight_mask.flatten().tolist() for l in layers]})


class TopK(torch.autograd.Function):
    """The mask of the highest scores, its gradient passed straight through, as in Sanh et al., equation 3."""

    @staticmethod
    def forward(ctx, scores, mask):
        return mask

    @staticmethod
    def backward(ctx, g):
        return g, None


x = torch.tensor(rng.normal(size=(7, 6)))
w = weights[0].clone().requires_grad_()
scores = torch.tensor(rng.normal(size=(6, 4)), requires_grad=True)
mask = (torch.tensor(rng.uniform(size=(6, 4))) < 0.6).double()
loss = torch.tanh(x @ (w * TopK.apply(scores, mask))).square().sum()
loss.backward()
out["movement"] = {"x": x.flatten().tolist(), "w": w.flatten().tolist(), "scores": scores.flatten().tolist(), "mask": mask.flatten().tolist(),
                   "gradientOfWeight": w.grad.flatten().tolist(), "gradientOfScores": scores.grad.flatten().tolist()}
print(json.dumps(out))
