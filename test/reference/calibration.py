"""Records scikit-learn's isotonic and sigmoid calibration of small samples: test/golden/calibration.json.

Run: .venv/bin/python test/reference/calibration.py (the interpreter that `npm run test:integration` prepares).
The sigmoid is scikit-learn's _SigmoidCalibration on the logit of the raw probability; it writes 1 / (1 + exp(a * x + b)).
"""

import json
import pathlib
import platform
import sys

import numpy
import sklearn
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

CASES = [
    # name, rows, share of frauds, decimals of the raw probabilities
    ("distinct probabilities", 300, 0.2, 6),
    ("two decimals, so many ties", 400, 0.1, 2),
]


def record(name, rows, share, decimals, random):
    labels = (random.random(rows) < share).astype(int)
    raw = 1 / (1 + numpy.exp(-(random.normal(size=rows) + 1.5 * labels - 1)))
    raw = numpy.clip(numpy.round(raw, decimals), 0.01, 0.99)
    sigmoid = _SigmoidCalibration().fit(numpy.log(raw / (1 - raw)), labels)
    return {
        "name": name,
        "labels": labels.tolist(),
        "raw": raw.tolist(),
        "isotonic": IsotonicRegression().fit(raw, labels).predict(raw).tolist(),
        # Its optimiser stops early: recorded to five decimals.
        "platt": {"slope": round(-float(sigmoid.a_), 5), "intercept": round(-float(sigmoid.b_), 5)},
    }


def main():
    random = numpy.random.default_rng(1999)
    golden = {
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scikit-learn": sklearn.__version__},
        "cases": [record(*case, random) for case in CASES],
    }
    recorded = pathlib.Path(__file__).parent.parent / "golden" / "calibration.json"
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden) + "\n")


main()
