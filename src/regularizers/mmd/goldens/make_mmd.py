"""Gradients of cross-entropy with a multi-kernel MMD written out by pairs of rows. Run: python make_mmd.py > mmd.json"""
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import Network, torch

net = Network(37)
DOMAINS = {"a": 0, "b": 1, "c": 2}


def case(strength, target=None, kernels=5, factor=2.0, bandwidth=None):
    def discrepancy(s, t):
        total = torch.cat([s, t])
        distances = ((total[None] - total[:, None]) ** 2).sum(2)
        n = len(total)
        middle = distances.detach().sum() / (n * n - n) if bandwidth is None else bandwidth
        k = sum(torch.exp(-distances / (middle / factor ** (kernels // 2) * factor**i)) for i in range(kernels))
        m = len(s)
        return k[:m, :m].mean() + k[m:, m:].mean() - 2 * k[:m, m:].mean()

    def objective(p):
        f = net.features(p)
        if target is None:
            pairs = [(f[net.domains == i], f[net.domains == j]) for i, j in itertools.combinations(range(3), 2)]
        else:
            own = net.domains == DOMAINS[target]
            pairs = [(f[(net.domains >= 0) & ~own], f[own])]
        return net.loss(p) + strength * sum(discrepancy(s, t) for s, t in pairs) / len(pairs)

    options = {"type": "mmd", "strength": strength, "kernels": kernels, "factor": factor,
               **({} if target is None else {"target": target}), **({} if bandwidth is None else {"bandwidth": bandwidth})}
    return net.case(options, objective, net.parameters())


print(net.document(cases=[case(1.0), case(2.0, target="b"), case(0.5, target="c", kernels=3, factor=4.0), case(1.0, kernels=2, bandwidth=1.5)]))
