"""Optuna's samplers, asked for one point after another by a parent process.

A line of JSON on stdin begins a study: {sampler, seed, trials, parameters, objectives}. For each trial a point is written as
a line of JSON and the list of its losses is read from the next line. Several studies may follow each other.
"""

import json
import sys
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-multivariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "cma-es": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "nsga-ii": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
}


def point(trial, space):
    values = {}
    for parameter in space:
        when = parameter.get("when")
        if when is not None and values.get(when["parameter"]) not in when["indices"]:
            continue
        key, dimension = parameter["name"], parameter["dimension"]
        if dimension["kind"] == "choice":
            values[key] = trial.suggest_categorical(key, list(range(len(dimension["choices"]))))
        elif dimension["kind"] == "int":
            values[key] = trial.suggest_int(key, dimension["low"], dimension["high"], log=dimension["log"])
        else:
            values[key] = trial.suggest_float(key, dimension["low"], dimension["high"], log=dimension["log"])
    return values


for line in sys.stdin:
    setting = json.loads(line)
    study = optuna.create_study(
        directions=["minimize"] * setting["objectives"], sampler=SAMPLERS[setting["sampler"]](setting["seed"])
    )
    for _ in range(setting["trials"]):
        trial = study.ask()
        print(json.dumps(point(trial, setting["parameters"])), flush=True)
        study.tell(trial, json.loads(sys.stdin.readline()))
