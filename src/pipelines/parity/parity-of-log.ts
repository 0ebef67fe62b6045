import { type ReplayedLayouts, replayLayouts } from '../../branches/replayed-layouts.ts'
import { createDrawCount, type DrawParity } from '../../decisions/draw-parity.ts'
import { type LogStart, type StartOfLog, startOfLog } from '../../decisions/log/features-of-log.ts'
import type { DecisionEntry } from '../../decisions/log/log-record.ts'
import { logIncomplete, withLoggedEntries } from '../../decisions/log/logged-entries.ts'
import type { ModelDocument } from '../../decisions/log/model-document.ts'
import {
  createLookupComparison,
  type LookupComparison,
  type LookupParity,
  type TablesOfLog,
} from '../../decisions/tables/compare-lookups.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import { createDifferingValues, type DifferingValues } from '../../evaluation/differing-values.ts'
import type { ParityReport } from './parity-report.ts'

export interface ParityOfLogOptions extends StartOfLog {
  /** Where the tables lie that transactions were looked up in; they are not compared when left out. */
  readonly tables?: TablesOfLog
  /** Secret of the control sample; its draws are not compared when left out. */
  readonly salt?: string | undefined
  readonly work: Work
}

/** What the replay of a log came to, by the model that decided. */
export interface ModelParity {
  readonly model: Pick<ModelDocument, 'key' | 'name' | 'version'>
  readonly report: ParityReport
  /** Decisions without a comparison: states of their layout are known from a later record on. */
  readonly unchecked: number
  /** What was looked up beside the tables of now; absent where nothing was, or nobody asks. */
  readonly lookups?: LookupParity
  /** Draws of the control sample beside what the salt draws; absent where nothing was drawn. */
  readonly draws?: DrawParity
}

/**
 * Computes the features of every decision in a log again, from the states that the log began with or those
 * of a snapshot beside it, in the order logged, labels at their places, and compares them with those that
 * were served, value by value.
 *
 * `missing` counts sequence numbers that no log has, `extra` transactions that were decided on twice and
 * numbers that were given twice: either means that states and log have parted.
 *
 * @throws SERVING_LOG_INCOMPLETE when the log does not start at its beginning, or its states are not there;
 * SERVING_LOG_DAMAGED
 */
export const parityOfLog = async (options: ParityOfLogOptions): Promise<readonly ModelParity[]> => {
  const start = await startOfLog(options)
  return withLoggedEntries({ ...options, after: start.after }, async (logged) => {
    const { folders } = options
    const { signal, reportProgress } = options.work
    let comparison: Comparison | undefined
    let last = start.after
    for await (const entry of logged.entries) {
      signal.throwIfAborted()
      if (comparison === undefined) {
        comparison = createComparison(await replayLayouts(entry, logged, options, start), options)
      }
      comparison.count(entry.sequence - last)
      last = entry.sequence
      if (entry.kind !== 'decision') comparison.layouts.take(entry)
      else {
        const model = await logged.modelOf(entry.decision.model)
        await comparison.prepare(model)
        comparison.compare(last, model, entry.decision, entry.vector)
      }
      if (last % 1000 === 0) reportProgress({ activity: 'replaying the log', done: last, unit: 'records' })
    }
    if (comparison === undefined) {
      if (start.after === 0) throw logIncomplete(folders, 'it has no record')
      throw new VigiaError('SERVING_LOG_QUIET', { folder: folders.join(', '), after: start.after })
    }
    return comparison.report(folders, start)
  })
}

/** Logged vectors beside computed ones, by the model that decided. */
interface Comparison {
  readonly layouts: ReplayedLayouts
  /** Takes a record that is `step` after the one before: 1 is the next, 0 has its number. */
  count(step: number): void
  /** Reads the tables of a model, the first time that it is seen. */
  prepare(model: ModelDocument): Promise<void>
  compare(sequence: number, model: ModelDocument, decision: DecisionEntry, served: Float64Array): void
  report(folders: readonly string[], start: LogStart): readonly ModelParity[]
}

/** What is counted of a model. */
interface Compared {
  readonly model: ModelDocument
  readonly differing: DifferingValues
  readonly lookups: LookupComparison | undefined
  rows: number
  unchecked: number
  readonly draws: ReturnType<typeof createDrawCount>
}

const createComparison = (
  layouts: ReplayedLayouts,
  { tables, salt }: Pick<ParityOfLogOptions, 'tables' | 'salt'>,
): Comparison => {
  const models = new Map<string, Compared>()
  const seen = new Set<string>()
  let missing = 0
  let extra = 0
  return {
    layouts,
    count: (step) => {
      if (step === 0) extra++
      else missing += step - 1
    },
    prepare: async (model) => {
      if (models.has(model.key)) return
      const lookups = tables === undefined ? undefined : await createLookupComparison(model, tables)
      const differing = createDifferingValues(model.computed)
      const draws = createDrawCount(salt)
      models.set(model.key, { model, differing, lookups, rows: 0, unchecked: 0, draws })
    },
    compare: (sequence, model, decision, served) => {
      const { transaction } = decision
      const isKnown = seen.has(transaction.transactionId)
      seen.add(transaction.transactionId)
      // A second decision has nothing to be compared with: the first one is part of every state by now.
      const vector = layouts.decide(sequence, model, decision, isKnown)
      if (vector === undefined) {
        extra++
        return
      }
      const compared = models.get(model.key)!
      compared.draws.take(decision)
      if (vector === 'unchecked') {
        compared.unchecked++
        return
      }
      compared.lookups?.compare(transaction)
      compared.rows++
      compared.differing.compare(served, (f) => vector[f]!)
    },
    report: (folders, { after }) =>
      [...models.values()]
        .filter(({ rows, unchecked }) => rows + unchecked > 0)
        .map(({ model, rows, unchecked, differing, lookups, draws }) => ({
          model: { key: model.key, name: model.name, version: model.version },
          unchecked,
          ...(lookups !== undefined && { lookups: lookups.report() }),
          ...draws.report(),
          report: {
            schema: 1,
            source: `${rows} decisions of ${model.name} ${model.version} in ${folders.join(', ')}${after === 0 ? '' : `, after record ${after}`}`,
            identity: model.identity,
            rows,
            values: rows * model.computed.length,
            differing: differing.report(),
            missing,
            extra,
          },
        })),
  }
}
