"""Reads an experiment and its registered models with MLflow's own client, and prints all of it as JSON.

Usage: read_mlflow.py <tracking URI> <experiment name> [<model name> ...]
Credentials come from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. Metric values are texts, as Python writes doubles, since
JSON has neither NaN nor infinities. Artifacts are SHA-256 hashes by path.
"""

import hashlib
import json
import os
import pathlib
import sys
import tempfile

os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

import mlflow  # noqa: E402


def files_below(folder):
    root = pathlib.Path(folder)
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def read_run(client, run):
    with tempfile.TemporaryDirectory() as folder:
        has_artifacts = len(client.list_artifacts(run.info.run_id)) > 0
        local = client.download_artifacts(run.info.run_id, "", folder) if has_artifacts else folder
        files = files_below(local)
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": {
            key: [
                [metric.step, metric.timestamp, repr(metric.value)]
                for metric in client.get_metric_history(run.info.run_id, key)
            ]
            for key in run.data.metrics
        },
        "inputs": [
            {**dict(each.dataset), "tags": {tag.key: tag.value for tag in each.tags}}
            for each in run.inputs.dataset_inputs
        ],
        "artifacts": files,
    }


def read_model(client, name):
    model = client.get_registered_model(name)
    versions = {}
    for version in client.search_model_versions(f"name = '{name}'"):
        with tempfile.TemporaryDirectory() as folder:
            local = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{name}/{version.version}", dst_path=folder
            )
            files = files_below(local)
        versions[str(version.version)] = {
            "run": version.run_id,
            "description": version.description,
            "tags": version.tags,
            "artifacts": files,
        }
    aliases = {alias: str(version) for alias, version in model.aliases.items()}
    return {"description": model.description, "aliases": aliases, "versions": versions}


def main(tracking_uri, experiment_name, *model_names):
    mlflow.set_tracking_uri(tracking_uri)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(experiment_name)
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    json.dump(
        {
            "experiment": {"name": experiment.name, "tags": experiment.tags},
            "runs": {run.info.run_id: read_run(client, run) for run in runs},
            "models": {name: read_model(client, name) for name in model_names},
        },
        sys.stdout,
    )


main(*sys.argv[1:])
