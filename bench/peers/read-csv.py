"""A bank's export to Parquet with Polars: typed, in order of time, ids from the row's number."""

import polars as pl
from cost import measure


def work(request):
    rows = pl.scan_csv(
        request["csv"],
        schema={
            "TX_TIME_SECONDS": pl.Int64,
            "CUSTOMER_ID": pl.String,
            "TERMINAL_ID": pl.String,
            "TX_AMOUNT": pl.Float64,
            "TX_FRAUD": pl.Int8,
            "TX_FRAUD_SCENARIO": pl.String,
        },
        row_index_name="source_row",
        row_index_offset=1,
    )
    prepared = rows.select(
        pl.col("source_row").cast(pl.Int64),
        transaction_id=pl.lit("SB") + pl.col("source_row").cast(pl.String).str.zfill(7),
        user_id="CUSTOMER_ID",
        event_time_ms=pl.col("TX_TIME_SECONDS") * 1000 + 1522540800000,
        amount_minor=(pl.col("TX_AMOUNT") * 100).round().cast(pl.Int64),
        merchant_id="TERMINAL_ID",
        is_fraud="TX_FRAUD",
        fraud_pattern=pl.when(pl.col("TX_FRAUD_SCENARIO") != "0").then(pl.col("TX_FRAUD_SCENARIO")),
    )
    ordered = prepared.sort("event_time_ms", "source_row").with_row_index("arrival")
    ordered.with_columns(pl.col("arrival").cast(pl.Int64)).sink_parquet(request["out"], compression="zstd")


measure(work)
