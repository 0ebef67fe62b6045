#!/bin/sh
# skl2onnx 1.20.0 writes nodes_missing_value_tracks_true of trees and forests of scikit-learn 1.9.1 as 0 at every node, though training has learnt at each split whether missing values go left
# (tree_.missing_go_to_left). In onnxruntime they all go right, without a word: of rows with a missing value nearly all score otherwise than predict_proba of a forest, by up to .8; of complete rows none.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3.12}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check numpy==2.5.5 scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0
cat >probe.py <<'END'
import numpy, onnxruntime, skl2onnx, sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

random = numpy.random.RandomState(0)
rows = random.normal(size=(3000, 4)).astype(numpy.float32)
labels = (rows[:, 0] + rows[:, 1] > 0).astype(int)
rows[random.uniform(size=rows.shape) < 0.15] = numpy.nan
labels = numpy.where(numpy.isnan(rows[:, 2]), 1, labels)
complete = ~numpy.isnan(rows).any(axis=1)
print(f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}, onnxruntime {onnxruntime.__version__}")
for model in RandomForestClassifier(20, max_depth=6, random_state=0), ExtraTreesClassifier(20, max_depth=6, random_state=0), DecisionTreeClassifier(max_depth=6, random_state=0):
    model.fit(rows, labels)
    made = skl2onnx.to_onnx(model, rows[:1], options={"zipmap": False})
    node = next(node for node in made.graph.node if node.op_type.startswith("TreeEnsemble"))
    tracks = next(list(one.ints) for one in node.attribute if one.name == "nodes_missing_value_tracks_true")
    trees = [tree.tree_ for tree in getattr(model, "estimators_", [model])]
    learnt = sum(int(tree.missing_go_to_left[tree.children_left >= 0].sum()) for tree in trees)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    scored = session.run(None, {session.get_inputs()[0].name: rows})[1][:, 1]
    apart = numpy.abs(scored - model.predict_proba(rows)[:, 1])
    missing, whole = apart[~complete], apart[complete]
    print(f"{type(model).__name__}: missing goes left at {learnt} splits, in the file at {sum(tracks)}; of {missing.size} rows with a missing value {(missing > 1e-5).sum()} differ, by up to {missing.max():.2f}; of {whole.size} complete ones {(whole > 1e-5).sum()}")
    assert learnt > 0 and sum(tracks) == 0 and (missing > 1e-5).sum() > missing.size / 3 and (whole > 1e-5).sum() == 0, "no longer so"
END
venv/bin/python probe.py
