"""Gradients of cross-entropy with L2-SP penalties by PyTorch. Run: python make_l2_sp.py > l2-sp.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import Network, f32, np, torch

net = Network(23)
rng = np.random.default_rng(1)
moved = {k: f32(v + np.round(0.3 * rng.normal(size=v.shape), 3)) for k, v in net.start.items()}


def case(alpha, beta, new_head, weights_only):
    def objective(p):
        total = net.loss(p)
        for name, value in p.items():
            if weights_only and name.endswith("bias"):
                continue
            if new_head and name.startswith("output"):
                total = total + beta / 2 * (value**2).sum()
            else:
                total = total + alpha / 2 * ((value - torch.tensor(net.start[name])) ** 2).sum()
        return total

    options = {"type": "l2-sp", "strength": alpha, "head": beta / alpha, "newHead": new_head,
               "include": ["weight"] if weights_only else ["weight", "bias", "norm", "embedding"]}
    return net.case(options, objective, net.parameters(moved), at={k: v.flatten().tolist() for k, v in moved.items()})


print(net.document(cases=[case(0.5, 0.5, True, False), case(0.25, 0.0625, True, True), case(0.5, 0.5, False, False), case(0.125, 0, True, False)]))
