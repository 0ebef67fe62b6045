"""Scores rows with ONNX files in onnxruntime, after onnx's own check: score_onnx.py <folder>.

The folder's cases.json lists, by case, `columns` (null where a value is missing); each case has <name>.onnx beside it. Writes
<name>.scores.json: the probability of each row.
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    path = folder / f"{case['name']}.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = numpy.array(
        [[numpy.nan if value is None else value for value in column] for column in case["columns"]], dtype=numpy.float64
    ).T
    (probability,) = session.run(["probability"], {"features": rows})
    assert probability.shape == (len(rows), 1), probability.shape
    names = json.loads(session.get_modelmeta().custom_metadata_map["feature_names"])
    assert len(names) == rows.shape[1]
    (folder / f"{case['name']}.scores.json").write_text(json.dumps(probability[:, 0].tolist()))
