"""Records what scikit-learn reaches on examples/second-bank with the card-fraud handbook's 15 features and protocol:
test/golden/second-bank-sklearn.json, which test/second-bank-reference.test.ts compares Vigía with.

Run: .venv/bin/python test/reference/second-bank-sklearn.py (the interpreter that `npm run test:integration` prepares).

Nothing of Vigía is used: features are computed here from their definitions, with one sorted array per customer and terminal.
Protocol: train one week, wait 7 days for labels, validate one week, wait 7 days, test one week. Customers known to be
compromised leave the evaluated parts: on day D those with a fraud from the first training day to day D - 8 (whose label, 7 days
later, is known before day D begins).
"""

import json
import pathlib
import platform
import sys

import duckdb
import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

ROOT = pathlib.Path(__file__).parent.parent.parent
DAY = 86_400
DELAY_DAYS = 7
WINDOW_DAYS = (1, 7, 30)
# Days since 2018-04-01, first and last included: 2018-06-10 to 06-16, 06-24 to 06-30, 07-08 to 07-14.
TRAIN, VALIDATION, TEST = (70, 76), (84, 90), (98, 104)
CARDS_A_DAY = 100


def read():
    """Columns in time order; rows of one second keep the file's order. Amount 0 is a transaction, as in Vigía."""
    path = ROOT / "examples" / "second-bank" / "second-bank.csv.gz"
    return duckdb.sql(
        f"""SELECT TX_TIME_SECONDS::BIGINT AS time, CUSTOMER_ID::VARCHAR AS customer, TERMINAL_ID::VARCHAR AS terminal,
                   round(TX_AMOUNT::DOUBLE * 100)::BIGINT AS cents, TX_FRAUD::BIGINT AS fraud
            FROM (SELECT *, row_number() OVER () AS source_row FROM read_csv('{path}', all_varchar = true))
            ORDER BY time, source_row"""
    ).fetchnumpy()


def groups(keys):
    """Row numbers of each key, in time order."""
    order = numpy.argsort(keys.astype(str), kind="stable")
    named = keys[order].astype(str)
    return numpy.split(order, numpy.flatnonzero(named[1:] != named[:-1]) + 1)


def features(data):
    time, cents, fraud = data["time"], data["cents"], data["fraud"]
    # 2018-04-01 was a Sunday, weekday 6 when Monday is 0.
    weekday = (time // DAY + 6) % 7
    columns = {
        "amount": cents / 100,
        "is_weekend": (weekday >= 5).astype(float),
        "is_night": (time % DAY // 3600 <= 6).astype(float),
    }
    for days in WINDOW_DAYS:
        for name in ("user_tx_count", "user_mean_amount", "merchant_labelled_count", "merchant_risk"):
            columns[f"{name}_{days}d"] = numpy.zeros(len(time))
    for rows in groups(data["customer"]):
        own = time[rows]
        sums = numpy.concatenate([[0], numpy.cumsum(cents[rows])])
        end = numpy.arange(1, len(rows) + 1)  # up to and including the transaction itself
        for days in WINDOW_DAYS:
            start = numpy.searchsorted(own, own - days * DAY, side="right")
            columns[f"user_tx_count_{days}d"][rows] = end - start
            columns[f"user_mean_amount_{days}d"][rows] = (sums[end] - sums[start]) / (end - start) / 100
    for rows in groups(data["terminal"]):
        own = time[rows]
        frauds = numpy.concatenate([[0], numpy.cumsum(fraud[rows])])
        end = numpy.searchsorted(own, own - DELAY_DAYS * DAY, side="right")
        for days in WINDOW_DAYS:
            start = numpy.searchsorted(own, own - (DELAY_DAYS + days) * DAY, side="right")
            count = end - start
            columns[f"merchant_labelled_count_{days}d"][rows] = count
            columns[f"merchant_risk_{days}d"][rows] = (frauds[end] - frauds[start]) / numpy.maximum(count, 1)
    return columns


def evaluated_rows(data, part):
    """Rows of the part, day by day, without the customers known to be compromised on that day."""
    day, customer, fraud = data["time"] // DAY, data["customer"], data["fraud"]
    kept = []
    for today in range(part[0], part[1] + 1):
        is_known = (fraud == 1) & (day >= TRAIN[0]) & (day <= max(TRAIN[1], today - DELAY_DAYS - 1))
        known = set(customer[is_known])
        kept += [row for row in numpy.flatnonzero(day == today) if customer[row] not in known]
    return numpy.array(kept)


def card_precision(data, rows, scores):
    day = data["time"] // DAY
    found, precisions = set(), []
    for today in numpy.unique(day[rows]):
        best, compromised = {}, set()
        for row, score in zip(rows, scores):
            card = data["customer"][row]
            if day[row] != today or card in found:
                continue
            best[card] = max(best.get(card, -1.0), score)
            if data["fraud"][row] == 1:
                compromised.add(card)
        top = sorted(best, key=lambda card: -best[card])[:CARDS_A_DAY]
        caught = [card for card in top if card in compromised]
        found.update(caught)
        precisions.append(len(caught) / CARDS_A_DAY)
    return float(numpy.mean(precisions))


def main():
    data = read()
    columns = features(data)
    table = numpy.column_stack(list(columns.values()))
    day = data["time"] // DAY
    train = numpy.flatnonzero((day >= TRAIN[0]) & (day <= TRAIN[1]))
    scaler = StandardScaler().fit(table[train])
    model = LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaler.transform(table[train]), data["fraud"][train])

    def judge(rows):
        scores = model.predict_proba(scaler.transform(table[rows]))[:, 1]
        labels = data["fraud"][rows]
        return {
            "rows": len(rows),
            "frauds": int(labels.sum()),
            "roc_auc": roc_auc_score(labels, scores),
            "average_precision": average_precision_score(labels, scores),
            "card_precision_at_100": card_precision(data, rows, scores),
            "card_precision_at_100_of_a_perfect_model": card_precision(data, rows, labels.astype(float)),
        }

    golden = {
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "duckdb": duckdb.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "rows": len(day),
        "frauds": int(data["fraud"].sum()),
        "train": {"rows": len(train), "frauds": int(data["fraud"][train].sum())},
        "validation": judge(evaluated_rows(data, VALIDATION)),
        "test": judge(evaluated_rows(data, TEST)),
        "features": {
            name: {"mean": mean, "scale": scale, "coefficient": coefficient}
            for name, mean, scale, coefficient in zip(columns, scaler.mean_, scaler.scale_, model.coef_[0])
        },
        "intercept": model.intercept_[0],
    }
    recorded = ROOT / "test" / "golden" / "second-bank-sklearn.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    main()
