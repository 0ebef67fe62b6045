/** Name of the Python module in the folder `code/` of a model folder. */
export const PYFUNC_MODULE = 'vigia_pyfunc'

/**
 * The Python that MLflow's generic function loads a model folder with. It is ours, because `mlflow.onnx` asks
 * for a signature that refuses frames as pandas makes them, and answers with a frame that
 * `mlflow.models.evaluate` cannot read (docs/decisions/2026-11-30-python-of-our-own-in-mlflow-folders.md).
 *
 * Any version of it loads any model folder: processes that load several keep the module of the first.
 */
export const PYFUNC_SOURCE = `"""Scores with a model that Vigia has made, for MLflow's generic function (mlflow.pyfunc).

predict(frame) takes a column a feature, in any order, and gives a frame with the column probability, the final one
of each row. Whole numbers, booleans, pandas' nullable types and None are taken; NaN, None and NA are missing.
With model_config={"answer": "label"} it gives 1 where the probability reaches the model's threshold and 0 elsewhere.
"""

import json
import pathlib
from decimal import Decimal
from numbers import Integral, Real

import numpy
import onnxruntime
import pandas
from mlflow.exceptions import MlflowException

ANSWERS = ("probability", "label")
LARGEST_WHOLE = 2**53


def _load_pyfunc(path, model_config=None):
    return Model(pathlib.Path(path), (model_config or {}).get("answer", "probability"))


class Model:
    def __init__(self, folder, answer):
        if answer not in ANSWERS:
            raise refused(f"model_config answer: allowed: {', '.join(ANSWERS)}; got {answer!r}")
        manifest = json.loads((folder / "vigia" / "manifest.json").read_text(encoding="utf-8"))
        self.names = manifest["features"]["names"]
        self.threshold = manifest["threshold"]
        self.answer = answer
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    def predict(self, data, params=None):
        frame = frame_of(data)
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise refused(
                f"Model is missing inputs {missing}. Columns are named after the features, in any order."
            )
        rows = numpy.empty((len(frame), len(self.names)), dtype=numpy.float64)
        for place, name in enumerate(self.names):
            rows[:, place] = doubles_of(name, frame[name])
        (answer,) = self.session.run(["probability"], {"features": rows})
        probability = answer[:, 0]
        if self.answer == "label":
            return (probability >= self.threshold).astype(numpy.int64)
        return pandas.DataFrame({"probability": probability}, index=frame.index)


def frame_of(data):
    if isinstance(data, pandas.DataFrame):
        return data
    if isinstance(data, dict):
        is_row = all(numpy.ndim(value) == 0 for value in data.values())
        return pandas.DataFrame([data] if is_row else {name: list(value) for name, value in data.items()})
    if isinstance(data, (list, tuple)) and all(isinstance(row, dict) for row in data):
        return pandas.DataFrame(list(data))
    raise refused(
        "Expected a frame, a dict or a list of dicts with the features by their names, got "
        f"{type(data).__name__}: numbers without names could be in any order."
    )


def doubles_of(name, column):
    if isinstance(column, pandas.DataFrame):
        raise refused(f"Column {name!r} is there {column.shape[1]} times.")
    types = pandas.api.types
    if types.is_complex_dtype(column.dtype):
        raise refused(f"Column {name!r} has complex numbers; allowed: numbers that are doubles.")
    if types.is_object_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype):
        return numpy.array([double_of(name, value) for value in column], dtype=numpy.float64)
    if types.is_integer_dtype(column.dtype) and column.notna().any():
        for value in (column.min(), column.max()):
            double_of(name, int(value))
    return column.to_numpy(dtype=numpy.float64, na_value=numpy.nan)


def double_of(name, value):
    if value is None or value is pandas.NA:
        return numpy.nan
    if isinstance(value, Integral) and abs(int(value)) > LARGEST_WHOLE:
        raise refused(f"Column {name!r} has {value}, which no double holds for sure; allowed: up to 2**53.")
    if isinstance(value, (Real, Decimal, numpy.bool_)):
        return float(value)
    raise refused(
        f"Column {name!r} has {value!r} ({type(value).__name__}); allowed: numbers, booleans, None, NaN, NA."
    )


def refused(message):
    return MlflowException.invalid_parameter_value(message)
`
