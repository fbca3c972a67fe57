"""Distillation's loss in PyTorch. Run: python make_distillation.py > distillation.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(11)
B, C = 6, 4
student = torch.tensor(rng.normal(0, 2, size=(B, C)), requires_grad=True)
teacher = torch.tensor(rng.normal(0, 3, size=(B, C)))
labels = torch.tensor(rng.integers(0, C, size=B))
out = {"torch": torch.__version__, "student": student.flatten().tolist(), "teacher": teacher.flatten().tolist(), "labels": labels.tolist(), "cases": []}
for T, alpha in [(1.0, 0.5), (4.0, 0.9), (2.0, 0.1)]:
    soft = F.kl_div(F.log_softmax(student / T, dim=1), F.softmax(teacher / T, dim=1), reduction="batchmean") * T * T
    loss = (1 - alpha) * F.cross_entropy(student, labels) + alpha * soft
    (g,) = torch.autograd.grad(loss, student)
    out["cases"].append({"temperature": T, "alpha": alpha, "loss": loss.item(), "gradient": g.flatten().tolist()})
print(json.dumps(out))
