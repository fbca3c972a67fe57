"""One client for both servers: logs, fills and searches by MLflow's REST contract; milliseconds as JSON lines."""

import json
import sys
import time
import urllib.request

base, RUNS, PARAMS = sys.argv[1], int(sys.argv[2]), 150
opener = urllib.request.build_opener()


def ask(method, path, fields):
    request = urllib.request.Request(f"{base}/api/2.0/mlflow/{path}", json.dumps(fields).encode(), method=method)
    request.add_header("content-type", "application/json")
    with opener.open(request) as response:
        return response.read()


def new_run(experiment="0"):
    answer = ask("POST", "runs/create", {"experiment_id": experiment, "start_time": int(time.time() * 1000), "run_name": "r"})
    return json.loads(answer)["run"]["info"]["run_id"]


def log(points):
    """Milliseconds to log so many points in batches of 1,000, ten metrics."""
    run = new_run()
    start = time.perf_counter()
    for first in range(0, points, 1000):
        metrics = [
            {"key": f"m{i % 10}", "value": i / 7, "timestamp": 1_700_000_000_000 + i, "step": i // 10}
            for i in range(first, first + 1000)
        ]
        ask("POST", "runs/log-batch", {"run_id": run, "metrics": metrics})
    return (time.perf_counter() - start) * 1000


def fill():
    experiment = json.loads(ask("POST", "experiments/create", {"name": "searched"}))["experiment_id"]
    for i in range(RUNS):
        run = new_run(experiment)
        params = [{"key": f"p{j}", "value": f"value {i * j % 97}"} for j in range(PARAMS)]
        for first in range(0, PARAMS, 75):
            metrics = [{"key": f"m{j}", "value": (i * 7 + j) % 100 / 100, "timestamp": 1, "step": 0} for j in range(5)]
            ask("POST", "runs/log-batch", {"run_id": run, "params": params[first : first + 75], "metrics": metrics})
    return experiment


def search(experiment, filtered):
    """Milliseconds until every run is here, parameters and metrics with it; the client's parsing is not counted."""
    fields = {"experiment_ids": [experiment], "max_results": 50_000}
    if filtered:
        fields.update(filter="metrics.m0 >= 0.5 and params.p3 LIKE 'value 1%'", order_by=["metrics.m1 DESC"])
    start = time.perf_counter()
    answer = ask("POST", "runs/search", fields)
    spent = (time.perf_counter() - start) * 1000
    return spent, len(json.loads(answer)["runs"])


experiment = None
for line in sys.stdin:
    task = line.split()
    if task[0] == "log":
        print(json.dumps({"ms": log(int(task[1]))}), flush=True)
    elif task[0] == "fill":
        experiment = fill()
        print(json.dumps({"ms": 0}), flush=True)
    else:
        spent, found = search(experiment, task[0] == "filter")
        print(json.dumps({"ms": spent, "found": found}), flush=True)
