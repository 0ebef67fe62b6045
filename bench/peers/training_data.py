"""The rows of bench/rows/training-data.mjs, and how a peer's fit is timed."""

import time

import numpy as np


def read(request):
    """Training table and labels, judged table: tables with a row for each transaction."""
    every = request["rows"] + request["judged"]
    size = request["features"] * every * 8
    columns = np.memmap(request["path"], mode="r", dtype="<f8", shape=(request["features"], every))
    labels = np.fromfile(request["path"], dtype=np.uint8, offset=size)
    table = np.ascontiguousarray(columns.T)
    return table[: request["rows"]], labels[: request["rows"]], table[request["rows"] :]


def timed_fit(request, fit, score):
    """Times `fit(table, labels)` alone, then writes `score(model, judged)` for the check."""
    table, labels, judged = read(request)
    started = time.perf_counter()
    model = fit(table, labels)
    seconds = time.perf_counter() - started
    np.asarray(score(model, judged), dtype="<f8").tofile(request["out"])
    return {"rows": request["rows"], "seconds": seconds}
