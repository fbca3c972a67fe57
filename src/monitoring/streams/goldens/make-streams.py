"""Makes streams.json: where river's detectors see changes in streams. Run: python make-streams.py (river 0.22 or later)."""
import json
import pathlib

import numpy as np
import river
from river import drift

rng = np.random.default_rng(7)
streams = {
    "errors": [int(x) for x in np.concatenate([rng.random(1500) < 0.1, rng.random(1500) < 0.3, rng.random(1000) < 0.05])],
    "levels": [round(float(x), 4) for x in np.concatenate([rng.normal(0, 1, 1000), rng.normal(2, 1, 1000), rng.normal(2, 3, 500)])],
    "still": [round(float(x), 4) for x in rng.normal(5, 2, 2000)],
    "ramp": [round(float(x), 4) for x in rng.normal(0, 0.5, 3000) + np.linspace(0, 3, 3000)],
}
cases = []
for name, values in streams.items():
    case = {"name": name, "values": values, "adwin": {}, "pageHinkley": {}}
    for delta in (0.002, 0.05):
        detector = drift.ADWIN(delta=delta)
        changes = []
        for i, value in enumerate(values):
            detector.update(value)
            if detector.drift_detected:
                changes.append([i, int(detector.width)])
        case["adwin"][str(delta)] = {"changes": changes, "width": int(detector.width), "mean": detector.estimation}
    for threshold in (10, 50):
        detector = drift.PageHinkley(threshold=threshold)
        changes = []
        for i, value in enumerate(values):
            detector.update(value)
            if detector.drift_detected:
                changes.append(i)
        case["pageHinkley"][str(threshold)] = changes
    cases.append(case)
target = pathlib.Path(__file__).with_name("streams.json")
target.write_text(json.dumps({"river": river.__version__, "cases": cases}) + "\n")
