"""Tells what Python's MLflow finds in a store: read_mlflow_store.py <tracking uri> > found.json.

Experiments with their tags; runs with parameters, tags, inputs, artifacts, logged models and the whole history of every metric; registered models with
versions and aliases. Numbers that JSON does not know are texts: NaN, Infinity, -Infinity.
"""

import json
import math
import sys

from mlflow import MlflowClient
from mlflow.entities import ViewType


def number(value):
    if math.isnan(value):
        return "NaN"
    # A database holds no infinity; MLflow puts the largest double in its place.
    if math.isinf(value) or abs(value) == sys.float_info.max:
        return "Infinity" if value > 0 else "-Infinity"
    return value


def artifacts(client, run_id, path=None):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from artifacts(client, run_id, entry.path)
        else:
            yield (entry.path, entry.file_size)


def logged(client, experiment_id, run):
    """Name, status and files of the logged models of a run, which its outputs name too."""
    models = client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'")
    named = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
    assert sorted(named) == sorted(model.model_id for model in models), named
    for model in models:
        files = sorted(entry.path for entry in client.list_logged_model_artifacts(model.model_id))
        yield [model.name, str(model.status), files]


client = MlflowClient(sys.argv[1], sys.argv[1])
experiments = {}
for experiment in client.search_experiments(view_type=ViewType.ALL):
    runs = {}
    for run in client.search_runs([experiment.experiment_id], max_results=50_000):
        run_id = run.info.run_id
        runs[run_id] = {
            "name": run.info.run_name,
            "status": run.info.status,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "params": run.data.params,
            "tags": run.data.tags,
            "metrics": {
                key: [[m.timestamp, number(m.value), m.step] for m in client.get_metric_history(run_id, key)]
                for key in run.data.metrics
            },
            "inputs": [
                [i.dataset.name, i.dataset.digest, {tag.key: tag.value for tag in i.tags}]
                for i in run.inputs.dataset_inputs
            ],
            # The client lists a logged model's files beside those of the run, which ours has at the same place.
            "artifacts": [list(file) for file in sorted(set(artifacts(client, run_id)))],
            "logged": sorted(logged(client, experiment.experiment_id, run)),
        }
    experiments[experiment.name] = {"tags": experiment.tags, "runs": runs}

models = {}
for model in client.search_registered_models():
    models[model.name] = {
        "description": model.description,
        "aliases": {alias: int(version) for alias, version in model.aliases.items()},
        "versions": {
            str(v.version): {"run": v.run_id, "source": v.source, "tags": v.tags, "description": v.description}
            for v in client.search_model_versions(f"name = '{model.name}'")
        },
    }

print(json.dumps({"experiments": experiments, "models": models}, sort_keys=True))
