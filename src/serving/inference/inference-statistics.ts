import type { ServedModelName } from '../../decisions/inference-pipeline.ts'

/** How long the parts of a request took, milliseconds. */
export interface InferDurations {
  readonly readMs: number
  readonly decideMs: number
  readonly writeMs: number
}

interface Counted {
  readonly model: ServedModelName
  lastAtMs: number
  rows: number
  requests: number
  failed: number
  failedMs: number
  readMs: number
  decideMs: number
  writeMs: number
}

/** Counts requests of the Open Inference Protocol, of the model that is in service, since it was. */
export interface InferenceStatistics {
  succeeded(model: ServedModelName, rows: number, durations: InferDurations): void
  failed(model: ServedModelName, durationMs: number): void
  /** In the words of Triton's extension `statistics`. */
  of(model: ServedModelName): object
}

/** @param now time of day, epoch milliseconds */
export const createInferenceStatistics = (now: () => number): InferenceStatistics => {
  let counted: Counted | undefined
  const countedOf = (model: ServedModelName): Counted => {
    const { name, version } = model
    if (counted?.model.name !== name || counted.model.version !== version)
      counted = {
        model: { name, version },
        lastAtMs: 0,
        rows: 0,
        requests: 0,
        failed: 0,
        failedMs: 0,
        readMs: 0,
        decideMs: 0,
        writeMs: 0,
      }
    return counted
  }
  return {
    succeeded: (model, rows, { readMs, decideMs, writeMs }) => {
      const count = countedOf(model)
      count.lastAtMs = now()
      count.rows += rows
      count.requests++
      count.readMs += readMs
      count.decideMs += decideMs
      count.writeMs += writeMs
    },
    failed: (model, durationMs) => {
      const count = countedOf(model)
      count.failed++
      count.failedMs += durationMs
    },
    of: (model) => statisticsOf(countedOf(model)),
  }
}

const statisticsOf = (count: Counted): object => {
  const { model, requests, readMs, decideMs, writeMs } = count
  const none = { count: 0, ns: 0 }
  const each = (ms: number) => ({ count: requests, ns: Math.round(ms * 1e6) })
  return {
    name: model.name,
    version: model.version,
    last_inference: count.lastAtMs,
    inference_count: count.rows,
    execution_count: requests,
    inference_stats: {
      success: each(readMs + decideMs + writeMs),
      fail: { count: count.failed, ns: Math.round(count.failedMs * 1e6) },
      queue: none,
      compute_input: each(readMs),
      compute_infer: each(decideMs),
      compute_output: each(writeMs),
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: [],
    memory_usage: [],
  }
}
