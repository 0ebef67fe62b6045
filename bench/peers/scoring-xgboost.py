"""Probabilities of the judged rows in one call of XGBoost's inplace_predict, on one thread."""

import time

import numpy as np
import xgboost
from cost import measure
from training_data import read


def work(request):
    model = xgboost.Booster(model_file=request["model"])
    model.set_param({"nthread": 1})
    _, _, judged = read(request)
    # In the layout and type that it takes without a copy.
    rows = np.ascontiguousarray(judged, dtype=np.float32)
    started = time.perf_counter()
    scores = model.inplace_predict(rows)
    seconds = time.perf_counter() - started
    scores.astype("<f8").tofile(request["out"])
    return {"rows": len(rows), "seconds": seconds}


measure(work)
