"""Evidently itself, beside `ballast drift`: python evidently_peer.py REFERENCE.csv CURRENT.csv THEIRS.json OURS.json

Writes its own report of the drift between two tables to THEIRS, and tells what its classes make of OURS, a report that Ballast wrote:
each metric's config is read strictly by the class that it names, and computed on the same rows."""
import json
import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import registry
from evidently.metrics import DriftedColumnsCount, ValueDrift
from evidently.presets import DataDriftPreset

# Reports have a test by its title, the classes want its name.
NAMES = {test.display_name: name for name, kinds in registry._registered_stat_tests.items() for test in kinds.values()}

reference, current, theirs, ours = sys.argv[1:]
tables = [pd.read_csv(path) for path in (current, reference)]
numbers = [name for name in tables[0].columns if tables[0][name].dtype != object]
words = [name for name in tables[0].columns if tables[0][name].dtype == object]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
data = [Dataset.from_pandas(table, data_definition=definition) for table in tables]
Report([DataDriftPreset()]).run(*data).save_json(theirs)

read = []
for each in json.load(open(ours))["metrics"]:
    config = {name: value for name, value in each["config"].items() if name != "type"}
    kind = {"ValueDrift": ValueDrift, "DriftedColumnsCount": DriftedColumnsCount}[each["config"]["type"].split(":")[-1]]
    unknown = set(config) - set(kind.__fields__)
    metric = kind(**config)
    told = {"class": kind.__name__, "unknown": sorted(unknown), "type": metric.type == each["config"]["type"], "column": config.get("column")}
    if isinstance(metric, ValueDrift):
        # Computed by Evidently with the method and the threshold that our report names.
        named = kind(**{**config, "method": NAMES[config["method"]]})
        value = json.loads(Report([named]).run(*data).json())["metrics"][0]["value"]
        told |= {"value": each["value"], "computed": float(value)}
    else:
        told |= {"value": each["value"]}
    read.append(told)
print(json.dumps(read))
