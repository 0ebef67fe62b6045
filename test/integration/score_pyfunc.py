"""Scores rows with MLflow model folders: score_pyfunc.py <folder>.

The folder's cases.json lists, by case, the model folder `folder` and `rows`, a .csv with a column a feature, in an order of its own. Writes
<case>.pyfunc.json and <case>.onnx.json: the probability of each row, by MLflow's generic function and by its ONNX flavor. A warning about
the model is an error: nobody should have to wonder about it.
"""

import json
import pathlib
import sys
import warnings

import mlflow
import numpy
import pandas

folder = pathlib.Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    rows = pandas.read_csv(folder / case["rows"], dtype=numpy.float64)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = mlflow.pyfunc.load_model(case["uri"])
        probabilities = model.predict(rows)
    # What MLflow says of its own modules while it imports them is not about our model.
    about_us = [str(warning.message) for warning in warned if "type hint" not in str(warning.message)]
    assert not about_us, about_us
    assert list(probabilities.columns) == ["probability"], probabilities.columns
    assert len(probabilities) == len(rows)
    (folder / f"{case['name']}.pyfunc.json").write_text(json.dumps(probabilities["probability"].tolist()))

    try:
        model.predict(rows.drop(columns=rows.columns[0]))
    except mlflow.exceptions.MlflowException as refused:
        assert rows.columns[0] in str(refused), refused
    else:
        raise AssertionError("a missing column was not refused")

    # What MLflow takes for doubles: whole numbers of up to 32 bits. It refuses pandas' default of 64, which doubles may not hold.
    whole = rows.head(100).fillna(0).round().clip(-1000, 1000)
    expected = model.predict(whole)["probability"].tolist()
    assert model.predict(whole.astype(numpy.int32))["probability"].tolist() == expected
    try:
        model.predict(whole.astype(numpy.int64))
    except mlflow.exceptions.MlflowException as refused:
        assert "int64" in str(refused), refused
    else:
        raise AssertionError("64-bit integers were not refused")

    import onnxruntime

    proto = mlflow.onnx.load_model(case["uri"])
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [column["name"] for column in json.loads(model.metadata.to_dict()["signature"]["inputs"])]
    (scores,) = session.run(None, {session.get_inputs()[0].name: rows[names].to_numpy()})
    (folder / f"{case['name']}.onnx.json").write_text(json.dumps(scores.reshape(-1).tolist()))

    example = model.metadata.load_input_example(str(case["uri"])) if pathlib.Path(case["uri"]).is_dir() else None
    if example is not None:
        assert list(example.columns) == names, example.columns
        assert len(model.predict(example)) == len(example)
