import type { Metric, TrackedRun } from '../../../ports/experiment-tracker.ts'

/** Tag by which MLflow knows the run that a run is a part of. */
export const PARENT_TAG = 'mlflow.parentRunId'

/** Enough of an id to tell runs apart. */
export const shortId = ({ id }: Pick<TrackedRun, 'id'>): string => id.slice(0, 8)

/** `2026-11-23 04:41`, UTC. */
export const minuteOf = (timeMs: number): string =>
  Number.isFinite(timeMs) && Math.abs(timeMs) <= 8.64e15
    ? new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')
    : '-'

/** `4.2 s`, `4 min 12 s`, `2 h 3 min`; empty while the run goes on. */
export const durationOf = ({ startTimeMs, endTimeMs }: TrackedRun): string => {
  if (endTimeMs === undefined) return ''
  const seconds = Math.max(0, endTimeMs - startTimeMs) / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Four places, or four significant digits where that would say little; NaN and infinities by their names. */
export const metricNumber = (value: number): string => {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value)
  const size = Math.abs(value)
  return size >= 0.001 && size < 10 ? value.toFixed(4) : String(Number(value.toPrecision(4)))
}

/** A run for programs. JSON has no NaN and no infinities: they are texts. */
export const runJson = ({ artifactUri, endTimeMs, metrics, params, tags, ...run }: TrackedRun) => ({
  ...run,
  ...(endTimeMs !== undefined && { endTimeMs }),
  parentRunId: tags[PARENT_TAG] ?? null,
  artifactUri,
  metrics: Object.fromEntries(Object.entries(metrics).map(([key, metric]) => [key, jsonNumber(metric)])),
  params,
  tags,
})

/** The value of a metric as JSON can hold it. */
export const jsonNumber = ({ value }: Pick<Metric, 'value'>): number | string =>
  Number.isFinite(value) ? value : String(value)

/** Order of the alphabet, with numbers by their size. */
export const byName = (a: string, b: string): number => NAMES.compare(a, b)

const NAMES = new Intl.Collator('en', { numeric: true })
