import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { DecisionEntry } from '../decisions/log/log-record.ts'
import { withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { FeatureTable } from '../learning/feature-table.ts'
import { readerFor } from '../monitoring/monitored-model.ts'
import type { DecisionsOfLogOptions } from './decisions-of-log.ts'

/** What is called with each decision that a model made, and with its features: valid until the next call. */
export type VisitDecision = (decision: DecisionEntry, features: Float64Array) => void

/** `eachOwnDecision` of some logs. */
export type EachOwnDecision = (
  model: LoadedModel,
  within: { readonly fromMs: number; readonly toMs: number },
  visit: VisitDecision,
) => Promise<void>

/**
 * Calls `visit` with each decision that a model made on a transaction of [fromMs, toMs), in the order of the
 * log, and with the model's features.
 */
export const eachOwnDecision = async (
  options: DecisionsOfLogOptions,
  model: LoadedModel,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  visit: VisitDecision,
): Promise<void> => {
  // A model computes all of its features.
  const read = readerFor({ loaded: model }, model)!
  await withLoggedEntries(options, async ({ entries }) => {
    for await (const entry of entries) {
      options.work.signal.throwIfAborted()
      if (entry.kind !== 'decision' || entry.decision.model !== model.key) continue
      const { eventTimeMs } = entry.decision.transaction
      if (eventTimeMs < fromMs || eventTimeMs >= toMs) continue
      visit(entry.decision, read(entry.vector, entry.decision.probability).vector)
    }
  })
}

/** The latest rows of these decisions as a table of the model's features, `most` of them at most. */
export const latestRows = async (
  eachOwn: EachOwnDecision,
  model: LoadedModel,
  within: { readonly fromMs: number; readonly toMs: number },
  most: number,
): Promise<FeatureTable> => {
  const { featureNames } = model.scorer
  const columns = featureNames.map(() => new Float64Array(most))
  let seen = 0
  await eachOwn(model, within, (_, features) => {
    for (let f = 0; f < columns.length; f++) columns[f]![seen % most] = features[f]!
    seen++
  })
  const rowCount = Math.min(seen, most)
  const { categorical } = model.artifact.manifest.features
  return {
    names: featureNames,
    rowCount,
    columns: columns.map((column) => column.subarray(0, rowCount)),
    categorical,
  }
}
