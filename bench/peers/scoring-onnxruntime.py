"""Probabilities of the judged rows in one run of our own ONNX export in onnxruntime, on one thread."""

import time

import numpy as np
import onnxruntime
from cost import measure
from training_data import read


def work(request):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(request["onnx"], options, providers=["CPUExecutionProvider"])
    _, _, judged = read(request)
    rows = np.ascontiguousarray(judged, dtype=np.float64)
    started = time.perf_counter()
    scores = session.run(None, {"features": rows})[0]
    seconds = time.perf_counter() - started
    np.ravel(scores).astype("<f8").tofile(request["out"])
    return {"rows": len(rows), "seconds": seconds}


measure(work)
