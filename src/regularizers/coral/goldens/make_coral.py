"""Gradients of cross-entropy with Deep CORAL by PyTorch's own covariances. Run: python make_coral.py > coral.json"""
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import Network, torch

net = Network(31)
DOMAINS = {"a": 0, "b": 1, "c": 2}


def case(strength, target=None, means=False):
    def distance(s, t):
        d = s.shape[1]
        loss = ((torch.cov(s.T) - torch.cov(t.T)) ** 2).sum() / (4 * d * d)
        return loss + ((s.mean(0) - t.mean(0)) ** 2).mean() if means else loss

    def objective(p):
        f = net.features(p)
        if target is None:
            pairs = [(f[net.domains == i], f[net.domains == j]) for i, j in itertools.combinations(range(3), 2)]
        else:
            own = net.domains == DOMAINS[target]
            pairs = [(f[(net.domains >= 0) & ~own], f[own])]
        return net.loss(p) + strength * sum(distance(s, t) for s, t in pairs) / len(pairs)

    options = {"type": "coral", "strength": strength, "means": means, **({} if target is None else {"target": target})}
    return net.case(options, objective, net.parameters())


print(net.document(cases=[case(8.0), case(4.0, target="b"), case(2.0, target="c", means=True)]))
