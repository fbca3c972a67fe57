"""What the unmodified MLflow client does against a tracking server: one scenario by name, its findings as JSON."""

import hashlib
import json
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def runs():
    client = MlflowClient()
    experiment = client.create_experiment("runs", tags={"team": "a"})
    run = client.create_run(experiment, run_name="batch")
    for start in range(0, 100_000, 1000):
        points = [Metric(f"m{i % 10}", float(i), 1_000 + i, i // 10) for i in range(start, start + 1000)]
        client.log_batch(run.info.run_id, metrics=points)
    client.log_batch(run.info.run_id, params=[Param("a", "1")], tags=[RunTag("t", "x")])
    client.log_metric(run.info.run_id, "odd", float("nan"))
    client.log_metric(run.info.run_id, "odd", float("inf"), step=1)
    client.set_terminated(run.info.run_id)
    with mlflow.start_run(experiment_id=experiment, run_name="parent") as parent:
        with mlflow.start_run(experiment_id=experiment, run_name="child", nested=True) as child:
            mlflow.log_params({"lr": 0.1, "depth": 3})
            mlflow.log_metric("acc", 0.75)
    children = mlflow.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list")
    client.delete_run(child.info.run_id)
    deleted = client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)
    client.restore_run(child.info.run_id)
    pages, token = [], None
    while True:
        page = client.search_runs([experiment], order_by=["attributes.start_time ASC"], max_results=1, page_token=token)
        pages += [found.info.run_name for found in page]
        token = page.token
        if not token:
            break
    client.rename_experiment(experiment, "renamed")
    client.set_experiment_tag(experiment, "team", "b")
    found = client.get_experiment_by_name("renamed")
    history = client.get_metric_history(run.info.run_id, "m3")
    return {
        "missing": client.get_experiment_by_name("none such"),
        "experiment": [found.name, found.tags],
        "history": [len(history), history[0].value, history[-1].value, history[-1].step],
        "odd": [str(point.value) for point in client.get_metric_history(run.info.run_id, "odd")],
        "latest": client.get_run(run.info.run_id).data.metrics["m3"],
        "children": [c.info.run_id == child.info.run_id for c in children],
        "deleted": [d.info.run_id == child.info.run_id for d in deleted],
        "pages": pages,
        "frame": mlflow.search_runs([experiment], "metrics.acc > 0.7 and params.depth = '3'").shape[0],
        "experiments": [e.name for e in client.search_experiments(filter_string="tags.team = 'b'")],
    }


def artifacts():
    client = MlflowClient()
    megabytes = int(os.environ.get("ARTIFACT_MEGABYTES", "200"))
    with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
        large = os.path.join(folder, "large.bin")
        digest = hashlib.sha256()
        with open(large, "wb") as file:
            for i in range(megabytes):
                piece = hashlib.sha256(str(i).encode()).digest() * (2**20 // 32)
                digest.update(piece)
                file.write(piece)
        mlflow.log_artifact(large, "weights")
        os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
        os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(2**20)
        os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(8 * 2**20)
        mlflow.log_artifact(large, "parts")
        os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "false"
        mlflow.log_dict({"a": [1, 2]}, "config/c.json")
        mlflow.log_text("häß", "text ü.txt")
        hashes = []
        for path in ("weights/large.bin", "parts/large.bin"):
            with open(client.download_artifacts(run.info.run_id, path, folder), "rb") as file:
                hashes.append(hashlib.sha256(file.read()).hexdigest() == digest.hexdigest())
        return {
            "equal": hashes,
            "list": sorted(f.path for f in client.list_artifacts(run.info.run_id)),
            "below": [[f.path, f.file_size] for f in client.list_artifacts(run.info.run_id, "config")],
            "dict": mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/config/c.json"),
            "text": mlflow.artifacts.load_text(f"{run.info.artifact_uri}/text ü.txt"),
        }


def sklearn_autolog():
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    mlflow.set_experiment("autologged")
    mlflow.sklearn.autolog()
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(200, 5)), rng.integers(0, 2, 200)
    X_train, X_test, y_train, y_test = x[:100], x[100:], y[:100], y[100:]
    with mlflow.start_run() as run:
        forest = RandomForestClassifier(n_estimators=10, max_depth=None, random_state=1).fit(X_train, y_train)
        forest.score(X_test, y_test)
    data = MlflowClient().get_run(run.info.run_id)
    models = mlflow.search_logged_models([data.info.experiment_id], output_format="list")
    return {
        "run": run.info.run_id,
        "metrics": sorted(data.data.metrics),
        "params": data.data.params.get("n_estimators"),
        "training": data.data.metrics["training_accuracy_score"],
        "datasets": len(data.inputs.dataset_inputs),
        "outputs": [m.model_id for m in data.outputs.model_outputs] == [m.model_id for m in models],
        "status": [str(m.status) for m in models],
        "files": sorted(f.path for f in MlflowClient().list_logged_model_artifacts(models[0].model_id)),
    }


def refusals():
    client = MlflowClient()
    run = client.create_run("0")
    client.log_param(run.info.run_id, "a", "1")
    client.log_param(run.info.run_id, "a", "1")
    found = {}

    def attempt(name, action):
        try:
            action()
            found[name] = "nothing"
        except MlflowException as error:
            found[name] = error.error_code

    attempt("parameter rewritten", lambda: client.log_param(run.info.run_id, "a", "2"))
    attempt("unknown run", lambda: client.get_run("0" * 32))
    attempt("unknown experiment", lambda: client.get_experiment("98765"))
    attempt("filter", lambda: client.search_runs(["0"], "metrics.a >> 3"))
    attempt("experiment twice", lambda: [client.create_experiment("twice") for _ in range(2)])
    attempt("artifact location", lambda: client.create_experiment("elsewhere", artifact_location="/etc"))
    attempt("tag not there", lambda: client.delete_tag(run.info.run_id, "none"))
    found["kept"] = client.get_run(run.info.run_id).data.params
    return found


def registry():
    import numpy as np
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "scale",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor("w", TensorProto.FLOAT, [2], [2.0, 3.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    client = MlflowClient()
    with mlflow.start_run() as run:
        logged = mlflow.onnx.log_model(model, name="scale", registered_model_name="scale")
    client.set_registered_model_alias("scale", "challenger", 1)
    client.set_registered_model_tag("scale", "team", "a")
    client.set_model_version_tag("scale", "1", "reviewed", "yes")
    client.update_model_version("scale", "1", description="first")
    by_run = mlflow.register_model(f"runs:/{run.info.run_id}/scale", "scale")
    copied = client.copy_model_version("models:/scale/1", "copied")
    loaded = mlflow.onnx.load_model("models:/scale@challenger")
    rows = np.array([[1, 1], [2, 2]], dtype=np.float32)
    predicted = mlflow.pyfunc.load_model("models:/scale/1").predict(rows)
    found = {}
    try:
        client.set_registered_model_alias("scale", "champion", 1)
    except MlflowException as error:
        found["champion"] = error.error_code
    try:
        client.create_model_version("scale", "/etc/passwd")
    except MlflowException as error:
        found["source"] = error.error_code
    version = client.get_model_version_by_alias("scale", "challenger")
    result = {
        **found,
        "logged": logged.registered_model_version,
        "run": version.run_id == run.info.run_id,
        "versions": [by_run.version, copied.version],
        "equal": loaded.SerializeToString() == model.SerializeToString(),
        "predicted": np.asarray(predicted["y"]).tolist(),
        "tags": [client.get_registered_model("scale").tags, version.tags["reviewed"], version.description],
        "search": [m.name for m in client.search_registered_models("tags.team = 'a'")],
        "found": sorted(int(v.version) for v in client.search_model_versions("name = 'scale'")),
        "latest": [v.version for v in client.get_latest_versions("scale")],
    }
    client.delete_registered_model_alias("scale", "challenger")
    client.rename_registered_model("copied", "renamed")
    client.delete_model_version("renamed", "1")
    client.delete_registered_model("renamed")
    return result


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
