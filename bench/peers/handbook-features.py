"""The handbook's 15 features with Polars: rolling sums by time within each user and merchant."""

import polars as pl
from cost import measure

DAY_MS = 86_400_000
# Places between two milliseconds, so that rows of one second keep their order of arrival.
PLACES = 4_194_304


def rolling(values, days, entity):
    # Times are whole seconds, so a window one millisecond shorter holds the same rows: (t - w, t].
    window = f"{(days * DAY_MS - 1) * PLACES}i"
    return values.rolling_sum_by("place", window_size=window).over(entity)


def work(request):
    rows = pl.scan_parquet(request["prepared"]).with_columns(
        place=pl.col("event_time_ms") * PLACES + pl.col("arrival"),
        one=pl.lit(1.0),
        minor=pl.col("amount_minor").cast(pl.Float64),
        fraud=pl.col("is_fraud").cast(pl.Float64),
        # Polars divides by a constant through its reciprocal, which rounds twice; by a column it divides.
        hundred=pl.col("amount_minor") * 0.0 + 100.0,
        time=pl.from_epoch("event_time_ms", time_unit="ms"),
    )
    sums = {}
    for days in (1, 7, 30):
        sums[f"count_{days}"] = rolling(pl.col("one"), days, "user_id")
        sums[f"total_{days}"] = rolling(pl.col("minor"), days, "user_id")
    # The labelled window (t - 7d - w, t - 7d] is (t - 7d - w, t] less (t - 7d, t].
    for days in (7, 8, 14, 37):
        sums[f"labelled_{days}"] = rolling(pl.col("one"), days, "merchant_id")
        sums[f"frauds_{days}"] = rolling(pl.col("fraud"), days, "merchant_id")
    rows = rows.with_columns(**sums)
    labelled = {w: pl.col(f"labelled_{w + 7}") - pl.col("labelled_7") for w in (1, 7, 30)}
    frauds = {w: pl.col(f"frauds_{w + 7}") - pl.col("frauds_7") for w in (1, 7, 30)}
    features = {
        "amount": pl.col("minor") / pl.col("hundred"),
        "is_weekend": (pl.col("time").dt.weekday() >= 6).cast(pl.Float64),
        "is_night": (pl.col("time").dt.hour() < 7).cast(pl.Float64),
    }
    for w in (1, 7, 30):
        features[f"user_tx_count_{w}d"] = pl.col(f"count_{w}")
        features[f"user_mean_amount_{w}d"] = pl.col(f"total_{w}") / pl.col(f"count_{w}") / pl.col("hundred")
        features[f"merchant_labelled_count_{w}d"] = labelled[w]
        features[f"merchant_risk_{w}d"] = pl.when(labelled[w] == 0).then(0.0).otherwise(frauds[w] / labelled[w])
    kept = ["transaction_id", "event_time_ms", "user_id", "merchant_id", "is_fraud", "labelled_at_ms"]
    columns = [features[name].alias(name) for name in request["columns"]]
    rows.select(*kept, *columns).collect().write_parquet(request["out"], compression="snappy")


measure(work)
