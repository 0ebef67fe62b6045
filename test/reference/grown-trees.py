"""Records trees that XGBoost and scikit-learn grow on small tables: test/golden/grown-trees.json, which the tests of our boosting and
forest compare with.

Run: .venv/bin/python test/reference/grown-trees.py (the interpreter that `npm run test:integration` prepares).

Every column has fewer distinct values than bins, so the histogram method loses nothing and must find XGBoost's exact splits. Values are
multiples of 1/8, which 32-bit floats hold exactly: XGBoost's rounding of its input changes nothing.
"""

import json
import math
import pathlib
import platform
import sys

import numpy
import sklearn
import xgboost
from sklearn.tree import DecisionTreeClassifier

ROOT = pathlib.Path(__file__).parent.parent.parent
ROWS, JUDGED = 400, 100


def table(random, missing):
    count = ROWS + JUDGED
    shared = random.normal(size=count)
    columns = [
        numpy.round(8 * (shared + random.normal(size=count))) / 8,
        numpy.round(8 * numpy.exp(random.normal(size=count))) / 8,
        random.integers(0, 5, size=count).astype(float),
        numpy.round(8 * random.normal(size=count)) / 8,
    ]
    margin = columns[0] + (columns[1] > 2) * 2 - (columns[2] == 3) + 0.5 * columns[0] * (columns[3] > 0) - 2
    labels = (random.random(count) < 1 / (1 + numpy.exp(-margin))).astype(int)
    if missing:
        for column in columns:
            column[random.random(count) < 0.15] = numpy.nan
        columns[1][(labels == 1) & (random.random(count) < 0.3)] = numpy.nan
    return numpy.column_stack(columns), labels


def values(array):
    return [None if math.isnan(value) else float(value) for value in array]


def boosted(name, settings, missing=False, weights=False):
    random = numpy.random.default_rng(5)
    features, labels = table(random, missing)
    sample_weights = random.integers(1, 4, size=ROWS).astype(float) if weights else numpy.ones(ROWS)
    known = labels[:ROWS]
    base = float(numpy.sum(sample_weights * known) / numpy.sum(sample_weights))
    train = xgboost.DMatrix(features[:ROWS], known, weight=sample_weights)
    model = xgboost.train(
        {"objective": "binary:logistic", "tree_method": "exact", "base_score": base, "nthread": 1, **settings},
        train,
        num_boost_round=20,
    )
    return {
        "name": name,
        "settings": settings,
        "columns": [values(column) for column in features.T],
        "labels": labels.tolist(),
        "weights": sample_weights.tolist() if weights else None,
        "trained_rows": ROWS,
        "probabilities": [float(p) for p in model.predict(xgboost.DMatrix(features))],
    }


def classified(name, settings, missing=False):
    features, labels = table(numpy.random.default_rng(6), missing)
    model = DecisionTreeClassifier(random_state=0, **settings).fit(features[:ROWS], labels[:ROWS])
    return {
        "name": name,
        "settings": settings,
        "columns": [values(column) for column in features.T],
        "labels": labels.tolist(),
        "trained_rows": ROWS,
        "leaves": int(model.get_n_leaves()),
        "probabilities": model.predict_proba(features)[:, 1].tolist(),
    }


def main():
    golden = {
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
            "xgboost": xgboost.__version__,
        },
        "boosted": [
            boosted("depth 3", {"eta": 0.1, "max_depth": 3}),
            boosted("depth 6, large steps", {"eta": 0.3, "max_depth": 6}),
            boosted("missing values", {"eta": 0.1, "max_depth": 4}, missing=True),
            boosted("weights of 1 to 3", {"eta": 0.1, "max_depth": 3}, weights=True),
            boosted("heavy children and penalty", {"eta": 0.2, "max_depth": 5, "min_child_weight": 5, "lambda": 3}),
            boosted("monotone", {"eta": 0.2, "max_depth": 4, "monotone_constraints": "(1,1,0,-1)"}),
        ],
        "classified": [
            classified("until all leaves are pure", {}),
            classified("depth 4", {"max_depth": 4}),
            classified("leaves of 10 rows", {"min_samples_leaf": 10}),
            classified("missing values", {"max_depth": 5}, missing=True),
        ],
    }
    recorded = ROOT / "test" / "golden" / "grown-trees.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden) + "\n")


main()
