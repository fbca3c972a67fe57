"""Moments that the reference implementation of SWAG collects, and the covariance of the paper that follows from them.

git clone https://github.com/wjmaddox/swa_gaussian (61a918fa1c3e)
Run: python make_swag.py PATH_OF_CLONE > swag.json"""
import json
import sys
import types

import torch

# Only its Gaussian processes need gpytorch.
for name in ("gpytorch", "gpytorch.lazy", "gpytorch.distributions"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["gpytorch.lazy"].__dict__.update(RootLazyTensor=None, DiagLazyTensor=None, AddedDiagLazyTensor=None)
sys.modules["gpytorch.distributions"].MultivariateNormal = None
package = types.ModuleType("swag")
package.__path__ = [sys.argv[1] + "/swag"]
sys.modules["swag"] = package
posteriors = types.ModuleType("swag.posteriors")
posteriors.__path__ = [sys.argv[1] + "/swag/posteriors"]
sys.modules["swag.posteriors"] = posteriors
from swag.posteriors.swag import SWAG  # noqa: E402

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
RANK = 4


def case(count):
    model = torch.nn.Linear(3, 2)
    swag = SWAG(lambda: torch.nn.Linear(3, 2), no_cov_mat=False, max_num_models=RANK)
    seen = []
    for _ in range(count):
        with torch.no_grad():
            for p in model.parameters():
                p.copy_((0.5 + 0.1 * torch.randn_like(p)).float().double())
        seen.append(torch.cat([p.detach().flatten() for p in model.parameters()]).tolist())
        swag.collect_model(model)
    of = lambda suffix: [m.__getattr__(f"{n}_{suffix}") for m, n in swag.params]  # noqa: E731
    mean = torch.cat([v.flatten() for v in of("mean")])
    squares = torch.cat([v.flatten() for v in of("sq_mean")])
    roots = torch.cat(of("cov_mat_sqrt"), dim=1)
    covariance = (torch.diag(torch.clamp(squares - mean**2, 1e-30)) + roots.T @ roots / (len(roots) - 1)) / 2
    return dict(seen=seen, mean=mean.tolist(), covariance=covariance.tolist())


json.dump(dict(rank=RANK, cases=[case(3), case(4), case(9)]), sys.stdout)
