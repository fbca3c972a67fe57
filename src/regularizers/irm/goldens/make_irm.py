"""The IRMv1 penalty by automatic differentiation of a dummy factor in PyTorch, and its gradient by the outputs. Run: python make_irm.py > irm.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(41)
cases = []
for task, rows, outputs, domains in [("classification", 8, 3, 2), ("classification", 12, 2, 3), ("regression", 9, 1, 2)]:
    z = np.round(rng.normal(size=(rows, outputs)) * 2, 3)
    codes = np.concatenate([np.arange(domains), rng.integers(0, domains, size=rows - domains)])
    target = rng.integers(0, outputs, size=rows) if task == "classification" else np.round(rng.normal(size=(rows, 1)), 3)
    x = torch.tensor(z, requires_grad=True)
    penalties = []
    for domain in range(domains):
        of = torch.tensor(codes == domain)
        scale = torch.tensor(1.0, requires_grad=True)
        if task == "classification":
            loss = F.cross_entropy(x[of] * scale, torch.tensor(target)[of])
        else:
            loss = 0.5 * F.mse_loss(x[of] * scale, torch.tensor(target)[of])
        grad = torch.autograd.grad(loss, [scale], create_graph=True)[0]
        penalties.append(torch.sum(grad**2))
    penalty = torch.stack(penalties).mean()
    penalty.backward()
    cases.append({"task": task, "outputs": z.tolist(), "codes": codes.tolist(), "target": np.ravel(target).tolist(),
                  "domains": domains, "penalty": penalty.item(), "gradient": x.grad.tolist()})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
