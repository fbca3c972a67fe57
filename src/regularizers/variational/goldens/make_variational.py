"""KL divergence of normal weights from their prior and its gradients by torch.distributions, and cross-entropy through a layer with
local reparameterization at given noise, in double precision. Run: python make_variational.py > variational.json"""
import json

import torch
from torch.distributions import Normal, kl_divergence

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)


def f32(x):
    return x.float().double()


mu = f32(torch.randn(4, 3)).requires_grad_()
log_sigma = f32(-2 + torch.randn(4, 3)).requires_grad_()
cases = []
for prior in (1.0, 0.1):
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, prior)).sum()
    gradients = torch.autograd.grad(kl, (mu, log_sigma))
    cases.append(dict(prior=prior, divergence=kl.item(), gradients=[g.flatten().tolist() for g in gradients]))

x = f32(torch.randn(5, 4))
noise = f32(torch.randn(5, 3))
bias = f32(torch.randn(3))
label = torch.tensor([0, 2, 1, 1, 0])
output = x @ mu + bias + ((x**2) @ (2 * log_sigma).exp()).sqrt() * noise
loss = torch.nn.functional.cross_entropy(output, label)
gradients = torch.autograd.grad(loss, (mu, log_sigma))
print(json.dumps(dict(
    mu=mu.flatten().tolist(), logSigma=log_sigma.flatten().tolist(), cases=cases,
    layer=dict(x=x.flatten().tolist(), noise=noise.flatten().tolist(), bias=bias.tolist(), label=label.tolist(),
               output=output.flatten().tolist(), loss=loss.item(), gradients=[g.flatten().tolist() for g in gradients]))))
