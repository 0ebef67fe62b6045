"""Records models that XGBoost trains and what it predicts with them: test/golden/xgboost-models.json, which src/learning/xgboost is compared with.

Run: .venv/bin/python test/reference/xgboost-models.py (the interpreter that `npm run test:integration` prepares).
One thread, so that floats are added in one order. Missing values are null; contributions have the base last.
"""

import json
import pathlib
import sys

import numpy
import xgboost

ROWS = 240
KEPT = 60
NAMES = ["amount", "seconds", "channel", "balance"]


def make_data():
    random = numpy.random.RandomState(7)
    values = numpy.column_stack(
        [
            numpy.round(random.lognormal(3, 1, ROWS), 2),
            random.normal(size=ROWS),
            random.randint(0, 9, ROWS),
            random.randint(0, 5, ROWS),
        ]
    )
    margin = 0.03 * values[:, 0] + values[:, 1] + numpy.isin(values[:, 2], [2, 5, 7]) - 2.2
    labels = (random.uniform(size=ROWS) < 1 / (1 + numpy.exp(-margin))).astype(int)
    values[random.uniform(size=ROWS) < 0.2, 1] = numpy.nan
    values[random.uniform(size=ROWS) < 0.1, 2] = numpy.nan
    return values, labels, random.uniform(0.5, 3, ROWS).round(2)


CASES = [
    ("numeric, with missing values", {"max_depth": 3}, False, False),
    ("every value a candidate", {"tree_method": "exact", "max_depth": 4, "gamma": 0.5}, False, False),
    ("categories, several to a side", {"max_depth": 3, "max_cat_to_onehot": 1}, True, False),
    ("categories, one against the rest", {"max_depth": 3, "max_cat_to_onehot": 100}, True, False),
    ("monotone", {"max_depth": 3, "monotone_constraints": "(1,0,0,-1)"}, False, False),
    ("weights and a base score", {"max_depth": 2, "base_score": 0.1, "scale_pos_weight": 3}, False, True),
    ("dart", {"booster": "dart", "rate_drop": 0.5, "max_depth": 2}, False, False),
    ("reg:logistic", {"objective": "reg:logistic", "max_depth": 2}, False, False),
]


def record(name, parameters, categorical, weighted):
    values, labels, weights = make_data()
    types = ["float", "float", "c" if categorical else "float", "float"]
    rows = xgboost.DMatrix(
        values,
        labels,
        weight=weights if weighted else None,
        feature_names=NAMES,
        feature_types=types,
        enable_categorical=categorical,
    )
    defaults = {"objective": "binary:logistic", "eta": 0.3, "nthread": 1, "seed": 5}
    booster = xgboost.train({**defaults, **parameters}, rows, 6)
    scored = values[:KEPT]
    asked = xgboost.DMatrix(scored, feature_names=NAMES, feature_types=types, enable_categorical=categorical)
    return {
        "name": name,
        "model": json.loads(booster.save_raw("json")),
        "rows": [[None if numpy.isnan(x) else x for x in row] for row in scored.tolist()],
        "probabilities": booster.predict(asked).astype(float).tolist(),
        "contributions": booster.predict(asked, pred_contribs=True).astype(float).round(6).tolist(),
    }


def main():
    recorded = {
        "versions": {"xgboost": xgboost.__version__},
        "cases": [record(*case) for case in CASES],
    }
    target = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "test/golden/xgboost-models.json")
    target.write_text(json.dumps(recorded) + "\n")


main()
