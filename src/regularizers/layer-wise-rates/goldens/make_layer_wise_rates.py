"""Twenty steps of AdamW and SGD with a rate of its own for each layer. Run: python make_layer_wise_rates.py > layer-wise-rates.json"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "goldens"))
from small_network import Network, torch

net = Network(29)
STEPS, RATE, FACTOR, DECAY = 20, 0.05, 0.25, 0.3


def run(make, decay):
    p = net.parameters()
    group = lambda names, scale, wd: {"params": [p[n] for n in names], "lr": RATE * scale, "weight_decay": wd}
    optimizer = make([group(["dense1.weight"], FACTOR, decay), group(["dense1.bias"], FACTOR, 0.0),
                      group(["output.weight"], 1, decay), group(["output.bias"], 1, 0.0)])
    for _ in range(STEPS):
        optimizer.zero_grad()
        net.loss(p).backward()
        optimizer.step()
    return {name: value.detach().flatten().tolist() for name, value in p.items()}


runs = {"adamw": run(lambda g: torch.optim.AdamW(g), DECAY), "sgd": run(lambda g: torch.optim.SGD(g, momentum=0.9), 0.0)}
print(net.document(cases=[], steps=STEPS, rate=RATE, factor=FACTOR, decay=DECAY, runs=runs))
