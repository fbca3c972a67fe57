"""Gradients of cross-entropy with pseudo-labels by confidence. Run: python make_pseudo_labels.py > pseudo-labels.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import ROWS, Network, torch

net = Network(43)
# Powers of two, so that their reciprocals have the same bits on both sides.
UNLABELLED = 16
labelled, unlabelled = slice(0, ROWS - UNLABELLED), slice(ROWS - UNLABELLED, ROWS)


def case(strength, confidence):
    def objective(p):
        logits = net.logits(p)[unlabelled]
        largest, labels = torch.softmax(logits.detach(), 1).max(1)
        taken = (largest >= confidence).double()
        assert 0 < taken.sum() <= UNLABELLED
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        return net.loss(p, labelled) + strength * (losses * taken).mean()

    return net.case({"type": "pseudo-labels", "strength": strength, "confidence": confidence}, objective, net.parameters())


print(net.document(cases=[case(1.0, 0.75), case(0.5, 0.5), case(2.0, 0.0)], unlabelled=UNLABELLED))
