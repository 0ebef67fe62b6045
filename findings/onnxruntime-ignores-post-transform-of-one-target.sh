#!/bin/sh
# onnxruntime 1.23 to 1.32 leave out post_transform LOGISTIC and SOFTMAX of a TreeEnsembleRegressor (ai.onnx.ml 3) with one target: the answer is the plain sum, without
# an error or a warning. With two targets, of which the second has no weights, LOGISTIC is applied to both. So a boosted model whose converter writes its logistic
# function so gives margins in place of probabilities. The reference implementation of onnx 1.23.2 raises NotImplementedError.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python=${PYTHON:-python3.12}
cat >probe.py <<'END'
import numpy, onnx, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

ROWS = numpy.array([[0.0], [1.0]], dtype=numpy.float32)

def model(transform, targets):
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, 0.0], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        nodes_missing_value_tracks_true=[0, 0, 0], target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[-1.0, 2.0],
        post_transform=transform, n_targets=targets)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    made = helper.make_model(helper.make_graph([node], "trees", [value("x", [None, 1])], [value("y", None)]),
        opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 18)])
    made.ir_version = 8
    return made

def scored(transform, targets=1):
    session = onnxruntime.InferenceSession(model(transform, targets).SerializeToString(), providers=["CPUExecutionProvider"])
    return [[round(float(x), 3) for x in row] for row in session.run(None, {"x": ROWS})[0]]

seen = {transform: scored(transform) for transform in ("NONE", "LOGISTIC", "SOFTMAX")}
two = scored("LOGISTIC", 2)
try:
    ReferenceEvaluator(model("LOGISTIC", 1)).run(None, {"x": ROWS})
    reference = "an answer"
except NotImplementedError:
    reference = "NotImplementedError"
print(f"onnxruntime {onnxruntime.__version__}: one target {seen}; two targets, LOGISTIC {two}; onnx {onnx.__version__}, reference: {reference}")
assert all(rows == [[-1.0], [2.0]] for rows in seen.values()) and two == [[0.269, 0.5], [0.881, 0.5]] and reference == "NotImplementedError", "no longer so"
END
for version in 1.23.2 1.32.0; do
  "$python" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 onnx==1.23.2 "onnxruntime==$version"
  "$version/bin/python" probe.py
done
