"""Records what SciPy says of small samples: test/golden/drift.json, which src/drift/tests is compared with.

Run: .venv/bin/python test/reference/drift.py (the interpreter that `npm run test:integration` prepares).
Not SciPy's: an index or statistic of an empty sample, where SciPy raises or warns; those are null here.
"""

import json
import math
import pathlib
import platform
import sys
import warnings

import numpy
import scipy
from scipy import stats
from scipy.spatial import distance
from scipy.special import kolmogorov, ndtri

warnings.simplefilter("ignore")

POSITIONS = [-3.5, -1.0, 0.0, 0.25, 2.0, 7.0, 1000.0]


def cases(random):
    yield "alike", [50, 40, 30, 60, 20, 10, 5], [49, 42, 28, 63, 19, 9, 6]
    yield "the same", [5, 4, 3, 2, 1, 1, 1], [5, 4, 3, 2, 1, 1, 1]
    yield "the same shape, many more", [5, 4, 3, 2, 1, 1, 1], [5000, 4000, 3000, 2000, 1000, 1000, 1000]
    yield "nothing in common", [10, 20, 30, 0, 0, 0, 0], [0, 0, 0, 5, 5, 5, 5]
    yield "empty bins on both sides", [10, 0, 30, 0, 5, 0, 0], [12, 0, 22, 3, 0, 0, 0]
    yield "one bin", [0, 0, 17, 0, 0, 0, 0], [0, 0, 9, 0, 0, 0, 0]
    yield "one bin each, others", [0, 0, 17, 0, 0, 0, 0], [0, 0, 0, 0, 9, 0, 0]
    yield "one row each", [1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]
    yield "an empty window", [4, 5, 6, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0]
    yield "a million rows", *random.multinomial(1_000_000, [[0.3, 0.2, 0.2, 0.1, 0.1, 0.07, 0.03], [0.31, 0.19, 0.2, 0.1, 0.1, 0.06, 0.04]]).tolist()
    for case in range(6):
        shares = random.dirichlet([0.7] * 7, size=2)
        yield f"drawn {case}", random.multinomial(900, shares[0]).tolist(), random.multinomial(250, shares[1]).tolist()


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def record(name, reference, current):
    empty = sum(reference) == 0 or sum(current) == 0
    made = {"name": name, "positions": POSITIONS, "reference": reference, "current": current}
    if empty:
        return {**made, "empty": True}
    ks = stats.ks_2samp(
        numpy.repeat(POSITIONS, reference), numpy.repeat(POSITIONS, current), method="asymp"
    ).statistic
    n = sum(reference) * sum(current) / (sum(reference) + sum(current))
    table = numpy.array([reference, current])
    table = table[:, table.sum(axis=0) > 0]
    chi2, p_value, degrees, _ = stats.chi2_contingency(table, correction=False)
    p = numpy.where(table[0] == 0, 0.5, table[0]) / sum(reference)
    q = numpy.where(table[1] == 0, 0.5, table[1]) / sum(current)
    return {
        **made,
        "empty": False,
        "ks": number(ks),
        "ks_tail": number(kolmogorov(math.sqrt(n) * ks)),
        "chi2": number(chi2),
        "chi2_degrees": int(degrees),
        "chi2_p": number(p_value),
        "cramer": number(stats.contingency.association(table, method="cramer")) if degrees > 0 else 0,
        "psi": number(scipy.special.rel_entr(p, q).sum() + scipy.special.rel_entr(q, p).sum()),
        "wasserstein": number(stats.wasserstein_distance(POSITIONS, POSITIONS, reference, current)),
        "jensen_shannon": number(distance.jensenshannon(reference, current, base=2)),
    }


def samples(random):
    """Raw values with ties, for Kolmogorov-Smirnov and Wasserstein without bins."""
    for name, decimals, sizes in [("continuous", 9, (80, 53)), ("ties", 0, (60, 90)), ("one value", 0, (1, 40))]:
        x = numpy.round(random.normal(size=sizes[0]), decimals)
        y = numpy.round(random.normal(0.4, 1.3, size=sizes[1]), decimals)
        yield {
            "name": name,
            "x": x.tolist(),
            "y": y.tolist(),
            "ks": number(stats.ks_2samp(x, y).statistic),
            "wasserstein": number(stats.wasserstein_distance(x, y)),
        }


def student():
    """Normal scores of t variables of variance 1, by excess kurtosis."""
    for kurtosis in [0.3, 1, 3, 6]:
        degrees = 4 + 6 / kurtosis
        x = numpy.array([0.5, 1, 2, 3, 4, 6])
        z = stats.norm.isf(stats.t.sf(x * math.sqrt(degrees / (degrees - 2)), degrees))
        yield {"kurtosis": kurtosis, "x": x.tolist(), "z": z.tolist()}


def main():
    random = numpy.random.default_rng(14)
    p_values = [0.001, 0.02, 0.02, 0.8, 1.0, 0.04, 1e-12, 0.3]
    probabilities = [1e-300, 1e-20, 1e-9, 0.001, 0.0749, 0.075, 0.0751, 0.2, 0.5, 0.6, 0.925, 0.9251, 0.99, 1 - 1e-10]
    arguments = [1e-3, 0.2, 0.5, 0.99, 0.999999, 1.0, 1.000001, 1.5, 2.0, 5.0, 15.0]
    result = {
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__},
        "cases": [record(*case) for case in cases(random)],
        "samples": list(samples(random)),
        "benjamini_hochberg": {"p": p_values, "adjusted": stats.false_discovery_control(p_values).tolist()},
        "normal_quantile": {"p": probabilities, "z": ndtri(probabilities).tolist()},
        "student": list(student()),
        "kolmogorov": {"x": arguments, "tail": kolmogorov(arguments).tolist()},
    }
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "golden" / "drift.json"
    pathlib.Path(path).write_text(json.dumps(result, indent=1) + "\n")


main()
