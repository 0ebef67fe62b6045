import type { Metric, RunEntries } from '../../ports/experiment-tracker.ts'
import { numberToWire } from './wire-numbers.ts'

/** The body of one call of `runs/log-batch`, without the run. */
export interface LogBatch {
  readonly params: readonly WireText[]
  readonly metrics: readonly WireMetric[]
  readonly tags: readonly WireText[]
}

export interface WireText {
  readonly key: string
  readonly value: string
}

interface WireMetric {
  readonly key: string
  readonly value: number | string
  readonly timestamp: number
  readonly step: number
}

/**
 * What MLflow takes in one call (`mlflow/utils/validation.py`). A kilobyte stays free for the run and the
 * braces.
 */
export const BATCH_LIMITS = { params: 100, metrics: 1000, tags: 100, entries: 1000, bytes: 999_000 } as const

/**
 * Splits entries into calls that stay within `BATCH_LIMITS`, in order; no call for no entries.
 *
 * Every call takes up to 100 parameters and 100 tags, and metrics into the rest, so that 10,000 parameters
 * are 100 calls. An entry longer than a call cannot come: `tracking-limits.ts` refuses it before.
 */
export const splitLogBatches = (entries: RunEntries): readonly LogBatch[] => {
  const params = textsOf(entries.params)
  const metrics = (entries.metrics ?? []).map(metricToWire)
  const tags = textsOf(entries.tags)
  const batches: LogBatch[] = []
  const position = { params: 0, metrics: 0, tags: 0 }
  while (
    position.params < params.length ||
    position.metrics < metrics.length ||
    position.tags < tags.length
  ) {
    const room: Room = { entries: BATCH_LIMITS.entries, bytes: BATCH_LIMITS.bytes }
    const batch = {
      params: take(params, position.params, BATCH_LIMITS.params, room),
      tags: take(tags, position.tags, BATCH_LIMITS.tags, room),
      metrics: take(metrics, position.metrics, BATCH_LIMITS.metrics, room),
    }
    position.params += batch.params.length
    position.metrics += batch.metrics.length
    position.tags += batch.tags.length
    batches.push(batch)
  }
  return batches
}

/** Texts as the list of pairs that MLflow takes. */
export const textsOf = (texts: Readonly<Record<string, string>> = {}): readonly WireText[] =>
  Object.entries(texts).map(([key, value]) => ({ key, value }))

interface Room {
  entries: number
  bytes: number
}

const take = <Item>(items: readonly Item[], from: number, atMost: number, room: Room): readonly Item[] => {
  let end = from
  while (end < items.length && end - from < atMost && room.entries > 0) {
    const bytes = Buffer.byteLength(JSON.stringify(items[end]), 'utf8') + 1
    if (bytes > room.bytes) break
    room.bytes -= bytes
    room.entries -= 1
    end += 1
  }
  return items.slice(from, end)
}

const metricToWire = ({ key, value, timestampMs, step }: Metric): WireMetric => ({
  key,
  value: numberToWire(value),
  timestamp: timestampMs,
  step,
})
