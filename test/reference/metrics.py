"""Records what scikit-learn says of small scored samples: test/golden/metrics.json, which src/evaluation is compared with.

Run: .venv/bin/python test/reference/metrics.py (the interpreter that `npm run test:integration` prepares).
Scores are rounded to few decimals in some cases, so that many are equal.
"""

import json
import pathlib
import platform
import sys

import numpy
import sklearn
from sklearn import metrics

CASES = [
    # name, rows, share of frauds, decimals of the scores (None: all distinct)
    ("distinct scores", 400, 0.2, None),
    ("two decimals, so many ties", 600, 0.1, 2),
    ("one decimal, so almost only ties", 300, 0.3, 1),
    ("one fraud in two hundred", 200, 0.005, 2),
]


def record(name, rows, share, decimals, random):
    labels = numpy.zeros(rows, dtype=int)
    labels[: max(1, round(rows * share))] = 1
    random.shuffle(labels)
    scores = 1 / (1 + numpy.exp(-(random.normal(size=rows) + 1.2 * labels - 1)))
    scores = numpy.round(scores, 6 if decimals is None else decimals)
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-300)
    best = f1[:-1].max()
    decided = scores >= 0.5
    true_negative, false_positive, false_negative, true_positive = metrics.confusion_matrix(labels, decided).ravel()
    false_positive_rate, true_positive_rate, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    return {
        "name": name,
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "average_precision": metrics.average_precision_score(labels, scores),
        "log_loss": metrics.log_loss(labels, scores),
        "brier_score": metrics.brier_score_loss(labels, scores),
        "at_half": {
            "true_positive": int(true_positive),
            "false_positive": int(false_positive),
            "true_negative": int(true_negative),
            "false_negative": int(false_negative),
            "precision": metrics.precision_score(labels, decided),
            "recall": metrics.recall_score(labels, decided),
            "f1": metrics.f1_score(labels, decided),
        },
        "best_f1": float(best),
        "best_f1_threshold": float(max(t for t, value in zip(thresholds, f1[:-1]) if value >= best - 1e-15)),
        "roc_curve": [false_positive_rate.tolist(), true_positive_rate.tolist()],
    }


def main():
    random = numpy.random.default_rng(20181)
    golden = {
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scikit-learn": sklearn.__version__},
        "cases": [record(*case, random) for case in CASES],
    }
    recorded = pathlib.Path(__file__).parent.parent / "golden" / "metrics.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden) + "\n")


main()
