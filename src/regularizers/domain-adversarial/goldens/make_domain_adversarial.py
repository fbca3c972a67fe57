"""Gradients of cross-entropy with a domain classifier behind a gradient reversal by a torch.autograd.Function.
Run: python make_domain_adversarial.py > domain-adversarial.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import HIDDEN, Network, f32, np, torch

net = Network(41)
DOMAINS = {"a": 0, "b": 1, "c": 2}


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(context, x, factor):
        context.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient):
        return -context.factor * gradient, None


def case(strength, units, target=None):
    rng = np.random.default_rng(5)
    r = lambda *shape: f32(np.round(rng.normal(size=shape), 3))
    outputs = 3 if target is None else 2
    prefix = "own.domain-adversarial.0."
    own = {}
    if units > 0:
        own |= {prefix + "hidden.weight": r(HIDDEN, units), prefix + "hidden.bias": r(units)}
    own |= {prefix + "output.weight": r(units or HIDDEN, outputs), prefix + "output.bias": r(outputs)}
    start = {**net.start, **own}
    known = net.domains >= 0
    labels = net.domains if target is None else (net.domains == DOMAINS[target]).astype(int)

    def objective(p):
        f = Reverse.apply(net.features(p), strength)
        h = torch.relu(f @ p[prefix + "hidden.weight"] + p[prefix + "hidden.bias"]) if units > 0 else f
        out = (h @ p[prefix + "output.weight"] + p[prefix + "output.bias"])[known]
        y = torch.tensor(labels[known])
        # Every domain weighs the same: the mean of means.
        weights = 1.0 / torch.bincount(y, minlength=outputs).double()
        return net.loss(p) + torch.nn.functional.cross_entropy(out, y, weight=weights)

    options = {"type": "domain-adversarial", "strength": strength, "hidden": units, "ramp": "none",
               **({} if target is None else {"target": target})}
    return net.case(options, objective, net.parameters(start), at={k: v.flatten().tolist() for k, v in start.items()})


print(net.document(cases=[case(1.0, 6), case(0.25, 0, target="b"), case(2.0, 3, target="c")]))
