"""Optuna's side of time-to-loss: TPE and asynchronous successive halving over a training loop in PyTorch, one thread.

Reads the setting and the rows as JSON from stdin; prints the least validation loss of the complete trials and the time of the
study, in milliseconds by the wall and by the processor. As in the other trainer, decay is
decoupled and on matrices only; weights begin as that one draws them, biases at zero.
"""

import json
import sys
import time

import optuna
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.ERROR)
setting = json.load(sys.stdin)


def tensors(part):
    return torch.tensor(part["x"]).reshape(part["rows"], -1), torch.tensor(part["y"], dtype=torch.long)


(x, y), (x_validation, y_validation) = tensors(setting["train"]), tensors(setting["validation"])
classes = int(y.max()) + 1


def network(dropout):
    layers, width = [], x.shape[1]
    for hidden in setting["hidden"]:
        layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)]
        width = hidden
    model = nn.Sequential(*layers, nn.Linear(width, classes))
    dense = [each for each in model if isinstance(each, nn.Linear)]
    with torch.no_grad():
        for layer, weights in zip(dense, setting["weights"], strict=True):
            layer.weight.copy_(torch.tensor(weights).reshape(layer.weight.shape))
            layer.bias.zero_()
    return model


def objective(trial):
    value = {
        name: trial.suggest_float(name, space["low"], space["high"], log=space.get("scale") == "log")
        for name, space in setting["space"].items()
    }
    torch.manual_seed(setting["seed"])
    model = network(value["regularizers.dropout.strength"])
    decayed = [each for each in model.parameters() if each.dim() > 1]
    others = [each for each in model.parameters() if each.dim() == 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": value["regularizers.weight-decay.strength"]},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=value["training.optimizer.learningRate"],
    )
    smoothing = value["regularizers.label-smoothing.strength"]
    for epoch in range(1, setting["epochs"] + 1):
        model.train()
        for rows in torch.randperm(len(x)).split(setting["batch"]):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows], label_smoothing=smoothing).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(model(x_validation), y_validation).item()
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return loss


study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=setting["seed"]),
    pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
)
wall, cpu = time.perf_counter(), time.process_time()
study.optimize(objective, n_trials=setting["trials"])
print(
    json.dumps(
        {
            "loss": study.best_value,
            "wall": 1000 * (time.perf_counter() - wall),
            "cpu": 1000 * (time.process_time() - cpu),
        }
    )
)
