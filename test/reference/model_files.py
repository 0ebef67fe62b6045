"""What the scripts beside it share that record model files of other libraries, and what Python scores with each after reloading it:
test/golden/<library>-<version>.json.gz, which src/learning is compared with.

Rows of four columns, of which seconds and balance are missing at times, and channel holds whole numbers from 0 to 8.
"""

import base64
import gzip
import json
import pathlib
import sys

import numpy
import pandas

ROWS = 260
#: Rows that are recorded.
KEPT = 24
NAMES = ["amount", "seconds", "channel", "balance"]
CASES = {}


def make_numbers():
    random = numpy.random.RandomState(7)
    values = numpy.column_stack(
        [
            numpy.round(random.lognormal(3, 1, ROWS), 2),
            random.normal(size=ROWS),
            random.randint(0, 9, ROWS),
            random.randint(-2, 4, ROWS),
        ]
    )
    margin = 0.03 * values[:, 0] + values[:, 1] + 2 * numpy.isin(values[:, 2], [2, 5, 7]) + values[:, 3] - 2.2
    labels = (random.uniform(size=ROWS) < 1 / (1 + numpy.exp(-margin))).astype(int)
    values[random.uniform(size=ROWS) < 0.2, 1] = numpy.nan
    values[random.uniform(size=ROWS) < 0.1, 3] = numpy.nan
    return pandas.DataFrame(values, columns=NAMES), labels


FRAME, LABELS = make_numbers()
#: Other labels, so that training stops early.
WATCHED = (FRAME[:80], numpy.where(numpy.arange(80) % 9 == 0, 1 - LABELS[:80], LABELS[:80]))
CODES = FRAME["channel"].astype(int)
TEXTS = CODES.map(lambda code: f"k{code:02d}")


def with_channel(values, categories, ordered=False):
    return FRAME.assign(channel=pandas.Categorical(values, categories=categories, ordered=ordered))


def add_case(name):
    def add(make):
        CASES[name] = make

    return add


def kept(numbers):
    """Nine digits: what floats tell apart."""
    return [float(f"{number:.9g}") for number in numbers.tolist()]


def recorded(data, frame, probabilities, **more):
    rows = [[None if value != value else value for value in row] for row in frame[:KEPT].values.tolist()]
    return {**file(data), "rows": rows, "probabilities": kept(probabilities), **more}


def file(data):
    try:
        return {"text": data.decode("ascii")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def write(library, version):
    """Makes all cases. The first argument of the script is another path to write to."""
    made = {library: version, "pandas": pandas.__version__, "cases": []}
    for name, make in CASES.items():
        try:
            made["cases"].append({"name": name, **make()})
        except Exception as error:  # the library itself refuses: which, is told and recorded
            reason = str(error).strip().split("\n")[0][:200]
            print(f"{version} {name}: {type(error).__name__}: {reason}", file=sys.stderr)
            made["cases"].append({"name": name, "unavailable": f"{type(error).__name__}"})
    target = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else f"test/golden/{library}-{version}.json.gz")
    target.write_bytes(gzip.compress((json.dumps(made) + "\n").encode(), 9, mtime=0))
