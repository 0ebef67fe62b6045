"""What a drift detector of others says of days without drift: the columns that it calls drifted, day by day.

python peers.py <evidently|nannyml|alibi-detect> <reference.parquet> <day.parquet>...
Its last line is JSON: {"version", "columns", "windows": [[columns called drifted]...], "cpuSeconds"}
"""

import json
import os
import resource
import sys
import warnings

# Both send usage to their makers otherwise.
os.environ.setdefault("NML_DISABLE_USAGE_LOGGING", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")

import pandas as pd

warnings.filterwarnings("ignore")


def evidently(reference, days):
    """DataDriftPreset with its defaults: beyond 1,000 rows of reference a distance (Wasserstein over the
    standard deviation, Jensen-Shannon for few values) from .1 on is drift."""
    from evidently import DataDefinition, Dataset, Report
    from evidently import __version__ as version
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=list(reference.columns))
    known = Dataset.from_pandas(reference, data_definition=definition)
    found = []
    for day in days:
        result = Report([DataDriftPreset()]).run(Dataset.from_pandas(day, data_definition=definition), known)
        drifts = [metric for metric in result.dict()["metrics"] if metric["metric_name"].startswith("ValueDrift")]
        # Of another version that names its metrics otherwise nothing would be drift.
        assert len(drifts) == len(reference.columns), [metric["metric_name"] for metric in result.dict()["metrics"]]
        found.append([metric["config"]["column"] for metric in drifts if metric["value"] >= 0.1])
    return version, found


def nannyml(reference, days):
    """Univariate drift, Jensen-Shannon distance, limits of three standard deviations of the reference's chunks."""
    import nannyml

    columns = list(reference.columns)
    size = len(reference) // 10
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns,
        chunk_size=size,
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
    )
    calculator.fit(reference)
    found = []
    for day in days:
        frame = calculator.calculate(day).to_df()
        alerts = [
            column
            for column in columns
            if any(bool(frame[key].any()) for key in frame.columns if key[0] == column and key[-1] == "alert")
        ]
        found.append(alerts)
    return nannyml.__version__, found


def alibi_detect(reference, days):
    """TabularDrift: Kolmogorov-Smirnov by column, Bonferroni at .05, its defaults."""
    import alibi_detect
    from alibi_detect.cd import TabularDrift

    columns = list(reference.columns)
    detector = TabularDrift(reference.to_numpy("float32"), p_val=0.05)
    found = []
    for day in days:
        data = detector.predict(day.to_numpy("float32"), drift_type="batch", return_p_val=True)["data"]
        found.append([name for name, p in zip(columns, data["p_val"]) if p < data["threshold"]])
    return alibi_detect.__version__, found


PEERS = {"evidently": evidently, "nannyml": nannyml, "alibi-detect": alibi_detect}


def main():
    peer, reference_path, *day_paths = sys.argv[1:]
    reference = pd.read_parquet(reference_path).drop(columns=["day", "type"])
    days = [pd.read_parquet(path).drop(columns=["day", "type"]) for path in day_paths]
    # A column without two values has no distribution to compare, and some peers refuse it.
    used = [column for column in reference.columns if reference[column].nunique() > 1]
    reference = reference[used].fillna(-1e9) if peer == "alibi-detect" else reference[used]
    days = [day[used].fillna(-1e9) if peer == "alibi-detect" else day[used] for day in days]
    before = resource.getrusage(resource.RUSAGE_SELF)
    version, windows = PEERS[peer](reference, days)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"version": version, "columns": len(used), "windows": windows, "cpuSeconds": seconds}))


main()
