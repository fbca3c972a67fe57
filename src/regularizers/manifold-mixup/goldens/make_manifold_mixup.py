"""Gradients of cross-entropy with rows mixed at a layer. Run: python make_manifold_mixup.py > manifold-mixup.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import Network, torch

net = Network(51)


def case(layer, share):
    def mix(rows):
        return share * rows + (1 - share) * torch.roll(rows, -1, 0)

    def objective(p):
        x = torch.tensor(net.x)
        hidden = torch.tanh((mix(x) if layer == 0 else x) @ p["dense1.weight"] + p["dense1.bias"])
        logits = (mix(hidden) if layer == 1 else hidden) @ p["output.weight"] + p["output.bias"]
        labels = torch.tensor(net.labels)
        loss = torch.nn.functional.cross_entropy
        return share * loss(logits, labels) + (1 - share) * loss(logits, torch.roll(labels, -1, 0))

    return net.case({"type": "manifold-mixup", "strength": 2.0, "layers": [0, 1]}, objective, net.parameters(), draws={"share": share, "layer": layer})


print(net.document(cases=[case(0, 0.25), case(1, 0.25), case(1, 0.625), case(1, 1.0)]))
