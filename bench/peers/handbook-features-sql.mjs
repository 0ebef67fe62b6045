const DAY_MS = 86_400_000
const DELAY_MS = 7 * DAY_MS
// Places between two milliseconds, so that rows of one second keep their order of arrival: a row sees no
// later one.
const PLACES = 4_194_304

/**
 * The handbook's 15 features as DuckDB's window functions, in order of arrival. `columns` gives their order.
 */
export const windowSql = (prepared, columns, out) => {
  const days = [1, 7, 30]
  const features = new Map([
    ['amount', 'amount_minor / 100'],
    ['is_weekend', '(isodow(make_timestamp(event_time_ms * 1000)) >= 6)::DOUBLE'],
    ['is_night', '(hour(make_timestamp(event_time_ms * 1000)) < 7)::DOUBLE'],
    ...days.flatMap((w) => [
      [`user_tx_count_${w}d`, `(count(*) OVER user_${w})::DOUBLE`],
      [`user_mean_amount_${w}d`, `(sum(minor) OVER user_${w}) / (count(*) OVER user_${w}) / 100`],
      [`merchant_labelled_count_${w}d`, `(count(*) OVER merchant_${w})::DOUBLE`],
      [
        `merchant_risk_${w}d`,
        `coalesce((sum(fraud) OVER merchant_${w}) / nullif(count(*) OVER merchant_${w}, 0), 0)`,
      ],
    ]),
  ])
  const windows = days.flatMap((w) => [
    // Times are whole seconds, so a window one millisecond shorter holds the same rows: (t - w, t].
    `user_${w} AS (PARTITION BY user_id ORDER BY place RANGE BETWEEN ${(w * DAY_MS - 1) * PLACES} PRECEDING AND CURRENT ROW)`,
    `merchant_${w} AS (PARTITION BY merchant_id ORDER BY event_time_ms
       RANGE BETWEEN ${DELAY_MS + w * DAY_MS - 1} PRECEDING AND ${DELAY_MS} PRECEDING)`,
  ])
  return `COPY (
    SELECT transaction_id, event_time_ms, user_id, merchant_id, is_fraud, labelled_at_ms,
      ${columns.map((name) => `${features.get(name)} AS ${name}`).join(',\n      ')}
    FROM (SELECT *, event_time_ms * ${PLACES} + arrival AS place, amount_minor::DOUBLE AS minor, is_fraud::DOUBLE AS fraud
          FROM read_parquet('${prepared}'))
    WINDOW ${windows.join(',\n      ')}
    ORDER BY arrival) TO '${out}' (FORMAT parquet, COMPRESSION snappy)`
}
