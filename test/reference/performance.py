"""Records what SciPy says of the statistics that src/performance stands on: test/golden/performance.json.

Run: .venv/bin/python test/reference/performance.py (the interpreter that `npm run test:integration` prepares).
"""

import json
import pathlib
import platform
import sys

import numpy
import scipy
from scipy import special, stats

SHAPES = [0.5, 1, 2.5, 10, 37.5, 400]


def main():
    golden = {
        "versions": {"python": platform.python_version(), "scipy": scipy.__version__},
        "log_gamma": [{"x": x, "value": float(special.gammaln(x))} for x in [0.01, 0.5, 1.5, 3.25, 11.9, 12, 100.5, 12345.6]],
        "gamma": [
            {"shape": a, "x": a * f, "lower": float(special.gammainc(a, a * f)), "upper": float(special.gammaincc(a, a * f))}
            for a in SHAPES
            for f in [0.5, 0.9, 1.1, 1.5]
        ],
        "gamma_quantile": [
            {"shape": a, "probability": p, "value": float(special.gammaincinv(a, p))} for a in SHAPES for p in [0.025, 0.5, 0.975, 0.999]
        ],
        "normal": [{"z": z, "tail": float(stats.norm.sf(z))} for z in [-2.5, -0.3, 0.5, 1, 1.96, 3, 4.5]],
        # Garwood's exact interval of a Poisson count: what equal weights of the audit sample must come to.
        "poisson_interval": [
            {
                "count": k,
                "low": float(stats.chi2.ppf(0.025, 2 * k) / 2) if k else 0.0,
                "high": float(stats.chi2.ppf(0.975, 2 * k + 2) / 2),
            }
            for k in [0, 1, 3, 20, 250]
        ],
        "wilson": [
            {"count": k, "of": n, "interval": list(map(float, stats.binomtest(k, n).proportion_ci(method="wilson")))}
            for k, n in [(0, 10), (3, 10), (63, 100), (5000, 8000)]
        ],
        "beta_binomial": [
            {"x": x, "n": n, "alpha": a, "beta": b, "log_pmf": float(stats.betabinom.logpmf(x, n, a, b))}
            for x, n, a, b in [(0, 5, 1.5, 2), (63, 100, 30, 17), (1, 216, 0.6, 200), (40, 100, 6.3, 3.7)]
        ],
        "right_truncated": right_truncated(),
        "weighted_average_precision": weighted_average_precision(),
    }
    recorded = pathlib.Path(__file__).parent.parent / "golden" / "performance.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden) + "\n")


def right_truncated():
    """The likelihood of delays that are seen only when they are at most the age (conditional multinomial), maximised by
    SciPy: what reverse-time Kaplan-Meier gives in closed form."""
    from scipy import optimize

    random = numpy.random.default_rng(404)
    days = 8
    delays = numpy.minimum(random.geometric(0.35, 600) - 1, days - 1)
    ages = random.integers(1, days + 1, 600)
    seen = delays + 1 <= ages
    delays, ages = delays[seen], ages[seen]

    def loss(logits):
        p = special.softmax(numpy.append(logits, 0.0))
        cumulative = numpy.cumsum(p)
        return -(numpy.log(p[delays]) - numpy.log(cumulative[ages - 1])).sum()

    def slope(logits):
        p = special.softmax(numpy.append(logits, 0.0))
        cumulative = numpy.cumsum(p)
        expected = [(p[day] / cumulative[ages[ages > day] - 1]).sum() for day in range(days - 1)]
        return numpy.array(expected) - numpy.bincount(delays, minlength=days)[: days - 1]

    best = optimize.minimize(loss, numpy.zeros(days - 1), jac=slope, method="BFGS", options={"gtol": 1e-9})
    share = numpy.cumsum(special.softmax(numpy.append(best.x, 0.0)))
    return {"delays": delays.tolist(), "ages": ages.tolist(), "known_share": [round(float(s), 7) for s in share]}


def weighted_average_precision():
    """scikit-learn's figure where every fraud of weight w stands there w times."""
    from sklearn import metrics

    random = numpy.random.default_rng(405)
    labels = (random.random(200) < 0.2).astype(int)
    scores = numpy.round(random.random(200) * 0.6 + 0.4 * labels * random.random(200), 2)
    return {
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "value": float(metrics.average_precision_score(labels, scores)),
    }


main()
