import type { Metric } from '../../ports/experiment-tracker.ts'

/**
 * The values of one metric file: a line each with time, value and step. A last line without an end was cut by
 * a crash.
 */
export const decodeMetrics = (key: string, text: string): Metric[] => {
  const metrics: Metric[] = []
  for (const line of wholeLines(text).split('\n')) {
    const [time, value, step = '0'] = line.trim().split(' ')
    if (time === undefined || value === undefined) continue
    metrics.push({ key, value: numberOf(value), timestampMs: Number(time), step: Number(step) })
  }
  return metrics
}

/** The lines that are to be added to `text` for what it does not hold yet. */
export const encodeNewMetrics = (text: string, key: string, metrics: readonly Metric[]): string => {
  const present = new Set(decodeMetrics(key, text).map(identityOf))
  let lines = ''
  for (const metric of metrics) {
    const identity = identityOf(metric)
    if (present.has(identity)) continue
    present.add(identity)
    lines += `${metric.timestampMs} ${textOf(metric.value)} ${metric.step}\n`
  }
  return lines
}

/** The text up to the end of its last whole line. */
export const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1)

/** Both zeros are one value: a database that imports the file takes them for one, and refuses the second. */
const identityOf = ({ value, timestampMs, step }: Metric): string =>
  `${timestampMs} ${step} ${textOf(value + 0)}`

/** As Python writes them. */
const textOf = (value: number): string =>
  Number.isNaN(value)
    ? 'nan'
    : Number.isFinite(value)
      ? Object.is(value, -0)
        ? '-0.0'
        : String(value)
      : value > 0
        ? 'inf'
        : '-inf'

const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
}

const numberOf = (text: string): number => SPECIAL[text.toLowerCase()] ?? Number(text)
