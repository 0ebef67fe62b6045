/**
 * A double as JSON has it in the mapping of Protocol Buffers: NaN and the infinities are the texts `NaN`,
 * `Infinity` and `-Infinity`.
 */
export const numberToWire = (value: number): number | string =>
  Number.isFinite(value) ? value : String(value)

/**
 * The number of a wire value; 0 when it is absent, since Protocol Buffers leave zeros out.
 *
 * MLflow's SQL store has no infinities and keeps the largest doubles in their place (`sanitize_metric_value`
 * in `mlflow/store/tracking/sqlalchemy_store.py`), so those are read as infinities. Whoever logs the largest
 * double itself, which no metric of ours can be, reads an infinity.
 */
export const metricValueFromWire = (value: unknown): number => {
  const number = numberFromWire(value)
  return Math.abs(number) === Number.MAX_VALUE ? Math.sign(number) * Number.POSITIVE_INFINITY : number
}

/** A whole number; servers write 64-bit ones as numbers or as text. 0 when absent. */
export const numberFromWire = (value: unknown): number => (value === undefined ? 0 : Number(value))
