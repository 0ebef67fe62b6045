"""Records what scikit-learn fits on small samples: test/golden/logistic-regression.json, which src/learning is compared with.

Run: .venv/bin/python test/reference/logistic-regression.py (the interpreter that `npm run test:integration` prepares).
Values are rounded to four decimals, so that the file holds exactly what was fitted.
"""

import json
import pathlib
import platform
import sys

import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

CASES = [
    # name, rows, features, c, class weight, sample weights
    ("plain", 200, 3, 1.0, None, False),
    ("strong regularisation", 150, 4, 0.01, None, False),
    ("balanced classes", 300, 2, 1.0, "balanced", False),
    ("sample weights", 120, 3, 2.0, None, True),
    ("separable", 40, 1, 1.0, None, False),
]


def record(name, rows, features, c, class_weight, weighted, random):
    labels = (random.random(rows) < 0.25).astype(int)
    values = numpy.round(random.normal(size=(rows, features)) * [1, 10, 0.1, 100][:features] + labels[:, None], 4)
    if name == "separable":
        labels = (values[:, 0] > numpy.median(values[:, 0])).astype(int)
    weights = numpy.round(random.random(rows) * 3, 2) if weighted else None
    # A weight of 2 is the row twice, for the scale of the features too.
    scaled = StandardScaler().fit(values, sample_weight=weights).transform(values)
    model = LogisticRegression(C=c, class_weight=class_weight, tol=1e-12, max_iter=10_000)
    model.fit(scaled, labels, sample_weight=weights)
    return {
        "name": name,
        "columns": values.T.tolist(),
        "labels": labels.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "c": c,
        "class_weight": class_weight or "none",
        "coefficients": model.coef_[0].tolist(),
        "intercept": float(model.intercept_[0]),
        "probabilities": model.predict_proba(scaled)[:, 1].tolist(),
    }


def main():
    random = numpy.random.default_rng(1977)
    golden = {
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scikit-learn": sklearn.__version__},
        "cases": [record(*case, random) for case in CASES],
    }
    recorded = pathlib.Path(__file__).parent.parent / "golden" / "logistic-regression.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden) + "\n")


main()
