"""Scores rows with MLflow model folders: score_pyfunc.py <folder>.

The folder's cases.json lists, by case, the model folder `uri` and `rows`, a .csv with a column a feature, in an order of its own. Writes
<case>.pyfunc.json and <case>.onnx.json: the probability of each row, by MLflow's generic function and by its ONNX flavor. A warning about
the model is an error: nobody should have to wonder about it. Runs on MLflow 2.10 too, the least that the folders ask for.
"""

import io
import json
import pathlib
import sys
import warnings

import mlflow
import numpy
import pandas

folder = pathlib.Path(sys.argv[1])


def refused(model, rows, word):
    """What must be refused is refused with MLflow's own error, which servers answer with 400."""
    try:
        model.predict(rows)
    except mlflow.exceptions.MlflowException as error:
        assert word in str(error), error
    else:
        raise AssertionError(f"{word} was not refused")


def frames_are_taken(model, rows):
    """Frames as pandas makes them: whole numbers, booleans, nullable types, what JSON is read as, dicts; an order and an index of their own."""
    whole = rows.head(100).fillna(0).round().clip(-1000, 1000)
    expected = model.predict(whole)["probability"].tolist()
    holes = whole.copy()
    holes.iloc[::3, 0] = numpy.nan
    expected_with_holes = model.predict(holes)["probability"].tolist()
    for dtype in ["int32", "int64", "Int64", "Float64", "object"]:
        assert model.predict(whole.astype(dtype))["probability"].tolist() == expected, dtype
    for frame in [holes.astype("Int64"), holes.convert_dtypes(), holes.astype(object).where(holes.notna(), None)]:
        assert model.predict(frame)["probability"].tolist() == expected_with_holes, frame.dtypes
    back = pandas.read_json(io.StringIO(holes.to_json(orient="records")))
    assert "int64" in {str(dtype) for dtype in back.dtypes}, back.dtypes
    assert model.predict(back)["probability"].tolist() == expected_with_holes
    assert model.predict(whole.to_dict(orient="list"))["probability"].tolist() == expected
    assert model.predict(whole.to_dict(orient="records"))["probability"].tolist() == expected
    # onnxruntime adds the trees of one row in another order than those of many.
    (alone,) = model.predict(whole.iloc[0].to_dict())["probability"]
    assert abs(alone - expected[0]) < 1e-12
    first = whole.columns[0]
    as_truth = whole.assign(**{first: whole[first] > 0})
    assert model.predict(as_truth).equals(model.predict(as_truth.astype("float64")))
    moved = model.predict(whole.set_index(whole.index + 7))
    assert moved.index[0] == 7 and moved["probability"].tolist() == expected

    refused(model, whole.to_numpy(), "without names")
    refused(model, whole.assign(**{first: "12"}), "12")
    refused(model, whole.assign(**{first: 2**53 + 1}), str(2**53 + 1))
    refused(model, whole.assign(**{first: pandas.Timestamp("2026-01-01")}), "Timestamp")
    refused(model, pandas.concat([whole, whole[[first]]], axis=1), "2 times")


def is_evaluated(uri, model, rows, threshold):
    """mlflow.models.evaluate as a classifier: labels by the model's own threshold."""
    import tempfile

    labelled = rows.copy()
    expected = (model.predict(rows)["probability"] >= threshold).to_numpy()
    # Three in four as the model says, so that there is something to count.
    labelled["is_fraud"] = numpy.where(numpy.arange(len(rows)) % 4 == 0, ~expected, expected).astype("int64")
    labels = mlflow.pyfunc.load_model(str(uri), model_config={"answer": "label"}).predict(rows)
    assert labels.tolist() == expected.astype(int).tolist()
    if len(set(labelled["is_fraud"])) < 2:
        return
    evaluate = mlflow.models.evaluate if hasattr(mlflow.models, "evaluate") else mlflow.evaluate
    with tempfile.TemporaryDirectory() as work:
        # MLflow 3 refuses a folder, and 2.10 the SQLAlchemy of today.
        mlflow.set_tracking_uri(work if mlflow.__version__.startswith("2.") else f"sqlite:///{work}/mlflow.db")
        experiment = mlflow.create_experiment("evaluate", artifact_location=work)
        with mlflow.start_run(experiment_id=experiment):
            result = evaluate(
                str(uri),
                labelled,
                targets="is_fraud",
                model_type="classifier",
                model_config={"answer": "label"},
                evaluator_config={"log_model_explainability": False},
            )
    right = (labels == labelled["is_fraud"]).mean()
    assert abs(result.metrics["accuracy_score"] - right) < 1e-9, result.metrics


for case in json.loads((folder / "cases.json").read_text()):
    # Without it pandas takes the double beside the nearest one for some decimals, and rows lie on thresholds.
    rows = pandas.read_csv(folder / case["rows"], dtype=numpy.float64, float_precision="round_trip")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = mlflow.pyfunc.load_model(case["uri"])
        probabilities = model.predict(rows)
    # What MLflow says of its own modules while it imports them is not about our model.
    about_us = [str(warning.message) for warning in warned if "vigia" in str(warning.message) + warning.filename]
    assert not about_us, about_us
    assert list(probabilities.columns) == ["probability"], probabilities.columns
    assert len(probabilities) == len(rows)
    (folder / f"{case['name']}.pyfunc.json").write_text(json.dumps(probabilities["probability"].tolist()))

    refused(model, rows.drop(columns=rows.columns[0]), rows.columns[0])
    frames_are_taken(model, rows)

    import onnxruntime

    metadata = model.metadata.metadata
    proto = mlflow.onnx.load_model(case["uri"])
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = metadata["features"]
    (scores,) = session.run(None, {session.get_inputs()[0].name: rows[names].to_numpy()})
    (folder / f"{case['name']}.onnx.json").write_text(json.dumps(scores.reshape(-1).tolist()))
    if case.get("evaluated"):
        is_evaluated(case["uri"], model, rows, metadata["threshold"])

    example = model.metadata.load_input_example(str(case["uri"])) if pathlib.Path(case["uri"]).is_dir() else None
    if example is not None:
        assert list(example.columns) == names, example.columns
        assert len(model.predict(example)) == len(example)
