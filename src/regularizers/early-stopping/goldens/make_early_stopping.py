"""Decisions of Keras' EarlyStopping on made-up curves. Run: KERAS_BACKEND=torch python make_early_stopping.py > early-stopping.json"""
import json
import numpy as np
import keras


class Model:
    """The least that the callback asks of a model: weights that name their epoch, and a flag."""
    stop_training = False

    def __init__(self):
        self.epoch = 0

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights


rng = np.random.default_rng(5)
out = {"keras": keras.__version__, "cases": []}
for index in range(60):
    patience = int(rng.integers(1, 6))
    min_delta = float(rng.choice([0.0, 0.0, 0.125, 0.25]))
    mode = str(rng.choice(["min", "max"]))
    length = int(rng.integers(1, 25))
    trend = np.cumsum(rng.normal(0.08 if mode == "max" else -0.08, 0.25, size=length))
    # Eighths, so that ties and differences of exactly minDelta occur, and that Keras' float32 comparison is exact.
    values = np.round(trend * 8) / 8
    model = Model()
    callback = keras.callbacks.EarlyStopping(
        monitor="val", patience=patience, min_delta=min_delta, mode=mode, restore_best_weights=True)
    callback.set_model(model)
    callback.on_train_begin()
    stopped = None
    for epoch, value in enumerate(values):
        model.epoch = epoch + 1
        callback.on_epoch_end(epoch, {"val": float(value)})
        if model.stop_training:
            stopped = epoch + 1
            break
    callback.on_train_end()
    out["cases"].append({
        "patience": patience, "minDelta": min_delta, "higherIsBetter": mode == "max", "values": values.tolist(),
        "stopped": stopped, "bestEpoch": callback.best_epoch + 1})
print(json.dumps(out))
