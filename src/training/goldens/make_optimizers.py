"""Twenty steps of PyTorch's optimizers on a small network, and learning rates of its schedulers.
Run: python make_optimizers.py > optimizers.json"""
import json
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(17)
ROWS, FEATURES, HIDDEN, CLASSES, STEPS, BATCH = 24, 5, 4, 3, 20, 8
r = lambda *shape: np.round(rng.normal(size=shape), 3)
data = {"x": r(ROWS, FEATURES), "labels": rng.integers(0, CLASSES, size=ROWS), "y": r(ROWS, 1),
        "weights": np.round(rng.uniform(0, 2, size=ROWS), 3)}
data["weights"][3] = 0
# float32 values, so that both sides start from the same bits.
f32 = lambda a: np.asarray(a, dtype=np.float32).astype(np.float64)
data["x"], data["y"], data["weights"] = f32(data["x"]), f32(data["y"]), f32(data["weights"])
initial = {"dense1.weight": f32(r(FEATURES, HIDDEN)), "dense1.bias": f32(r(HIDDEN)),
           "output.weight": f32(r(HIDDEN, CLASSES)), "output.bias": f32(r(CLASSES))}
initial_one = {**initial, "output.weight": initial["output.weight"][:, :1], "output.bias": initial["output.bias"][:1]}
class_weights = f32([0.5, 2.0, 1.25])


def run(make, task="classification", clip=None, weighted=False, classes=None, smoothing=0.0, groups=None):
    start = initial if task == "classification" else initial_one
    parameters = {name: torch.tensor(value.copy(), requires_grad=True) for name, value in start.items()}
    if groups is None:
        optimizer = make([{"params": list(parameters.values())}])
    else:
        decayed = [p for n, p in parameters.items() if n.endswith("weight")]
        rest = [p for n, p in parameters.items() if n.endswith("bias")]
        optimizer = make([{"params": decayed, "weight_decay": groups}, {"params": rest, "weight_decay": 0.0}])
    losses, traces = [], []
    for step in range(STEPS):
        at = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        x = torch.tensor(data["x"][at])
        hidden = torch.tanh(x @ parameters["dense1.weight"] + parameters["dense1.bias"])
        output = hidden @ parameters["output.weight"] + parameters["output.bias"]
        row = torch.tensor(data["weights"][at]) if weighted else torch.ones(BATCH)
        if task == "classification":
            labels = torch.tensor(data["labels"][at])
            w = None if classes is None else torch.tensor(classes)
            per_row = torch.nn.functional.cross_entropy(output, labels, weight=w, reduction="none", label_smoothing=smoothing)
            total = (row * (1.0 if w is None else w[labels])).sum()
            loss = (row * per_row).sum() / total
        else:
            per_row = 0.5 * (output[:, 0] - torch.tensor(data["y"][at])[:, 0]) ** 2
            loss = (row * per_row).sum() / row.sum()
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
        optimizer.step()
        losses.append(loss.item())
        traces.append({name: p.detach().flatten().tolist() for name, p in parameters.items()} if step in (0, 1, 9, STEPS - 1) else None)
    return {"losses": losses, "parameters": {str(i + 1): t for i, t in enumerate(traces) if t is not None}}


O = torch.optim
cases = {
    "sgd": run(lambda p: O.SGD(p, lr=0.1)),
    "sgd momentum": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9)),
    "sgd nesterov": run(lambda p: O.SGD(p, lr=0.05, momentum=0.8, nesterov=True)),
    "sgd l2": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9), groups=0.1),
    "adam": run(lambda p: O.Adam(p, lr=0.02)),
    "adam betas": run(lambda p: O.Adam(p, lr=0.02, betas=(0.7, 0.95), eps=1e-3)),
    "adam l2": run(lambda p: O.Adam(p, lr=0.02), groups=0.1),
    "adamw": run(lambda p: O.AdamW(p, lr=0.02), groups=0.3),
    "adamw all": run(lambda p: O.AdamW(p, lr=0.02, weight_decay=0.3)),
    "clip": run(lambda p: O.SGD(p, lr=0.2, momentum=0.9), clip=0.3),
    "clip high": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9), clip=1000.0),
    "clip adam": run(lambda p: O.Adam(p, lr=0.02), clip=0.1),
    "row weights": run(lambda p: O.SGD(p, lr=0.1), weighted=True),
    "class weights": run(lambda p: O.SGD(p, lr=0.1), classes=class_weights),
    "class weights smoothed": run(lambda p: O.SGD(p, lr=0.1), classes=class_weights, smoothing=0.2),
    "row and class weights": run(lambda p: O.Adam(p, lr=0.02), weighted=True, classes=class_weights),
    "regression": run(lambda p: O.SGD(p, lr=0.1, momentum=0.5), task="regression"),
    "regression weighted": run(lambda p: O.AdamW(p, lr=0.02, weight_decay=0.0), task="regression", weighted=True),
}
# The L2 penalty is not decoupled in SGD and Adam: it is the gradient lambda w, as the regularizer l2.


def rates(make, steps, per_epoch=1, losses=None):
    optimizer = O.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler = make(optimizer)
    out = []
    for step in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % per_epoch == 0:
            scheduler.step() if losses is None else scheduler.step(losses[step // per_epoch])
    return out


S = O.lr_scheduler
EPOCHS, PER = 12, 7
TOTAL = EPOCHS * PER
plateau = np.round(np.abs(np.cumsum(rng.normal(-0.02, 0.15, size=40)) + 2), 3)
plateau[11:15] = plateau[10] * (1 - np.array([2e-5, 9e-5, 1e-4, 1.2e-4]))
plateau[20] = np.nan
schedules = {
    "constant": {"options": {}, "rates": rates(lambda o: S.LambdaLR(o, lambda s: 1.0), TOTAL)},
    "step": {"options": {"type": "step", "every": 3, "factor": 0.5}, "rates": rates(lambda o: S.StepLR(o, 3, gamma=0.5), TOTAL, PER)},
    "cosine": {"options": {"type": "cosine"}, "rates": rates(lambda o: S.CosineAnnealingLR(o, TOTAL), TOTAL)},
    "cosine floor": {"options": {"type": "cosine", "floor": 0.1}, "rates": rates(lambda o: S.CosineAnnealingLR(o, TOTAL, eta_min=0.04), TOTAL)},
    "one-cycle": {"options": {"type": "one-cycle"}, "rates": rates(lambda o: S.OneCycleLR(o, 0.4, total_steps=TOTAL, cycle_momentum=False), TOTAL)},
    "warm-up": {"options": {"warmUp": 2}, "rates": rates(lambda o: S.LinearLR(o, start_factor=1 / (2 * PER), total_iters=2 * PER - 1), TOTAL)},
    "warm-up and cosine": {"options": {"type": "cosine", "warmUp": 2}, "rates": rates(lambda o: S.SequentialLR(o, [
        S.LinearLR(o, start_factor=1 / (2 * PER), total_iters=2 * PER - 1), S.CosineAnnealingLR(o, TOTAL - 2 * PER)], milestones=[2 * PER]), TOTAL)},
}
plateaus = [{"options": {"type": "plateau", "every": every, "factor": factor, "floor": floor},
             "losses": [None if np.isnan(v) else v for v in plateau],
             "rates": rates(lambda o: S.ReduceLROnPlateau(o, factor=factor, patience=every, min_lr=floor * 0.4), len(plateau), 1, plateau)}
            for every, factor, floor in [(1, 0.5, 0.0), (3, 0.1, 0.0), (2, 0.5, 0.2)]]
print(json.dumps({
    "torch": torch.__version__, "batch": BATCH, "hidden": HIDDEN, "classWeights": class_weights.tolist(),
    "data": {k: v.tolist() for k, v in data.items()},
    "initial": {k: v.flatten().tolist() for k, v in initial.items()},
    "initialOne": {k: v.flatten().tolist() for k, v in initial_one.items()},
    "cases": cases, "epochs": EPOCHS, "stepsPerEpoch": PER, "rate": 0.4, "schedules": schedules, "plateaus": plateaus,
}))
