"""Makes evidently.json: rows, and what Evidently's report of their drift says. Run: python make-evidently.py (evidently 0.7, pandas < 3)."""
import json
import pathlib

import evidently
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

rng = np.random.default_rng(3)


def rows(count, shift, share):
    return pd.DataFrame(
        {
            "age": np.round(rng.normal(40 + shift, 10, count), 3),
            "income": np.round(rng.normal(3, 1, count), 3),
            "city": rng.choice(["rome", "oslo"], count, p=[share, 1 - share]),
        }
    )


reference, current = rows(400, 0, 0.5), rows(300, 3, 0.55)
definition = DataDefinition(numerical_columns=["age", "income"], categorical_columns=["city"])
data = [Dataset.from_pandas(each, data_definition=definition) for each in (current, reference)]
report = json.loads(Report([DataDriftPreset()]).run(*data).json())
columns = lambda frame: {name: frame[name].tolist() for name in frame.columns}
target = pathlib.Path(__file__).with_name("evidently.json")
target.write_text(json.dumps({"evidently": evidently.__version__, "reference": columns(reference), "current": columns(current), "report": report}) + "\n")
