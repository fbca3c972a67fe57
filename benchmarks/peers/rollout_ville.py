"""ville's side of the rollouts' error rates: its betting test of paired differences (one-sided, like Ballast's) and its asymptotic
A/B test (two-sided), on arms of the same law.

Reads {"rounds", "powerRounds", "answers", "most"} as JSON from stdin. Prints, of each test, the share of equal arms (both wrong 5 % of
the time, "answers" of each) that it rejects, and of 7 % beside 5 % the answers an arm until it rejects: median and 90th percentile
(null: not within "most").
"""

import importlib.metadata
import json
import sys

import numpy as np
import ville

setting = json.load(sys.stdin)


def paired(random, error, answers):
    differences = (random.random(answers) < error).astype(float) - (random.random(answers) < 0.05)
    test = ville.BettingTest(0.0, bounds=(-1.0, 1.0), alternative="greater", alpha=0.05)
    return test.update(differences).stopping_time()


def split(random, error, answers):
    treated = random.random(2 * answers) < 0.5
    wrong = random.random(2 * answers) < np.where(treated, error, 0.05)
    test = ville.AsymptoticABTest(alpha=0.05, propensity=0.5)
    at = test.update(wrong, treated).stopping_time()
    return None if at is None else at / 2


def course(test):
    def stops(error, rounds, answers):
        return [test(np.random.default_rng([error, round]), error / 100, answers) for round in range(rounds)]

    alike = stops(5, setting["rounds"], setting["answers"])
    worse = sorted(np.inf if at is None else at for at in stops(7, setting["powerRounds"], setting["most"]))
    quantile = lambda p: worse[int(p * (len(worse) - 1))]
    return {
        "wrong": sum(at is not None for at in alike) / len(alike),
        "median": None if np.isinf(quantile(0.5)) else quantile(0.5),
        "most": None if np.isinf(quantile(0.9)) else quantile(0.9),
    }


print(json.dumps({"version": importlib.metadata.version("ville"), "paired": course(paired), "split": course(split)}))
