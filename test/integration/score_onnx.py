"""Scores rows with ONNX files in onnxruntime, after onnx's own check: score_onnx.py <folder>.

The folder's cases.json lists, by case, `columns` (null where a value is missing); each case has <name>.onnx, in doubles, and
<name>.float.onnx, in floats, beside it. Writes <name>.scores.json and <name>.float.scores.json: the probability of each row. What
onnx.reference says of some rows must be the same.
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnx.reference
import onnxruntime

# A row takes onnx.reference about a millisecond a tree.
REFERENCE_ROWS = 60

folder = pathlib.Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    rows = numpy.array(
        [[numpy.nan if value is None else value for value in column] for column in case["columns"]], dtype=numpy.float64
    ).T
    for kind, dtype, tolerance in [("", numpy.float64, 1e-12), (".float", numpy.float32, 2e-5)]:
        path = folder / f"{case['name']}{kind}.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        # Floats end at 3e38, and a logistic regression adds what is beyond to NaN.
        fed = (rows if kind == "" else numpy.clip(rows, -1e30, 1e30)).astype(dtype)
        (probability,) = session.run(["probability"], {"features": fed})
        assert probability.shape == (len(rows), 1), probability.shape
        assert probability.dtype == dtype, probability.dtype
        names = json.loads(session.get_modelmeta().custom_metadata_map["feature_names"])
        assert len(names) == rows.shape[1]
        (folder / f"{case['name']}{kind}.scores.json").write_text(json.dumps(probability[:, 0].tolist()))

        few = numpy.concatenate([fed[: REFERENCE_ROWS // 2], fed[-REFERENCE_ROWS // 2 :]])
        expected = numpy.concatenate([probability[: REFERENCE_ROWS // 2], probability[-REFERENCE_ROWS // 2 :]])
        with numpy.errstate(all="ignore"):
            (told,) = onnx.reference.ReferenceEvaluator(str(path)).run(["probability"], {"features": few})
        worst = numpy.abs(told - expected).max()
        assert worst < tolerance, f"onnx.reference differs by {worst} in {path.name}"
