import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readEntries, snapshotFile } from '../../artifacts/state-snapshot.ts'
import { statesIdentity } from '../../artifacts/states-manifest.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { planFeatures } from '../../features/feature-plan.ts'
import type { FeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { World } from '../../foundation/world.ts'
import type { Scorer } from '../../model/scorer.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { replay } from '../../replay/replay.ts'
import { ENTITY_KINDS } from '../../transaction/entity-kind.ts'
import { createOnlineFeatures } from '../online/online-features.ts'
import { createDifferingValues } from './differing-values.ts'
import { createLabelPost } from './label-post.ts'
import type { ParityReport } from './parity-report.ts'
import { readPendingLabels, readServedRows } from './served-rows.ts'

export interface ServeRunOptions {
  /** Cleaned transactions of the run, and the features that training has of them. */
  readonly files: { readonly prepared: string; readonly features: string }
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
  readonly scorer: Scorer
  /** How many of the last transactions are sent; all where there are not so many. */
  readonly rows: number
  /** Where the transactions came from, for people. */
  readonly source: string
  readonly store: StateStore
  readonly world: Pick<World, 'monotonicMs'>
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly workers: number
  readonly work: Work
}

/** Times of whole decisions in this process: states, features, score, decision. Milliseconds. */
export interface ServingLatency {
  readonly calls: number
  /** Calls before those, which were not counted: code is still being compiled. */
  readonly warmUp: number
  readonly p50: number
  readonly p99: number
  readonly largest: number
}

export interface ServedRun {
  readonly parity: ParityReport
  readonly latency: ServingLatency
}

/** Calls that are not counted as latency: one in ten, at most so many. */
const MOST_WARM_UP = 1000

/**
 * Plays the card network over the end of a run: sends its last transactions to the serving call as they
 * arrived, labels at their times, and compares every value with the one that training has.
 *
 * 1. What came before is replayed in bulk; its final states fill the store, as after a deployment.
 * 2. Each transaction is decided on; the decision is timed, reading and comparing are not.
 *
 * @throws the errors of `replay`, FEATURES_STATE_CONTENDED, INTERRUPTED
 */
export const serveRun = async (options: ServeRunOptions): Promise<ServedRun> => {
  const { files, settings, fitted, scorer, store, work } = options
  const { monotonicMs } = options.world
  const total = await withDatabase(work.database, async (connection) => {
    const counted = await connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM read_parquet(${sqlLiteral(files.prepared)})`,
    )
    return counted.getRows()[0]?.[0] as number
  })
  const cut = Math.max(0, total - options.rows)
  await fillStore(options, cut)
  return withDatabase(work.database, async (connection) => {
    const delayMs = settings.limits.user.labelDelayMs
    const { pending, clockMs } = await readPendingLabels(connection, files.prepared, cut, delayMs)
    const labels = createLabelPost(delayMs, pending, clockMs)
    const online = createOnlineFeatures(settings, fitted, store)
    const decide = createDecider(online.featureNames, scorer)
    const differing = createDifferingValues(online.featureNames)
    const times: number[] = []
    let rows = 0
    let missing = 0
    let extra = 0
    for await (const row of readServedRows(connection, files, online.featureNames, cut)) {
      work.signal.throwIfAborted()
      await labels.deliver(online, row.transaction.eventTimeMs)
      const started = monotonicMs()
      const { vector } = await online.createAllFeatures(row.transaction)
      if (vector !== undefined) decide(vector)
      times.push(monotonicMs() - started)
      if (row.label !== undefined) labels.post(row.label)
      if (row.expected === undefined) extra++
      else if (vector === undefined) missing++
      else {
        rows++
        differing.compare(vector, row.expected)
      }
      if (times.length % 500 === 0)
        work.reportProgress({
          activity: 'serving',
          done: times.length,
          total: total - cut,
          unit: 'transactions',
        })
    }
    return {
      parity: {
        schema: 1,
        source: options.source,
        identity: statesIdentity(settings, fitted),
        rows,
        values: rows * online.featureNames.length,
        differing: differing.report(),
        missing,
        extra,
      },
      latency: latencyOf(times),
    }
  })
}

/** Replays what came before arrival `cut`, and puts its states into the store. */
const fillStore = async (options: ServeRunOptions, cut: number): Promise<void> => {
  if (cut === 0) return
  const { files, settings, fitted, workFolder, workers, work, store } = options
  const prepared = join(workFolder, 'before.parquet')
  const statesOut = join(workFolder, 'before-states')
  await mkdir(statesOut)
  await withDatabase(work.database, (connection) =>
    connection.run(
      `COPY (SELECT * FROM read_parquet(${sqlLiteral(files.prepared)}) WHERE arrival < ${cut} ORDER BY arrival)
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  await replay({
    prepared,
    out: join(workFolder, 'before-features.parquet'),
    statesOut,
    settings,
    fitted,
    workers,
    work,
  })
  const { layouts } = planFeatures(settings)
  for (const kind of ENTITY_KINDS)
    if (layouts[kind] !== undefined)
      for (const { token, bytes } of readEntries(snapshotFile(statesOut, kind)))
        await store.save([{ key: { kind, token }, bytes, expected: 0 }])
}

/**
 * Score and decision from the vector of all computed features, of which the model uses some in an order of
 * its own.
 */
const createDecider = (computed: readonly string[], scorer: Scorer) => {
  const places = scorer.featureNames.map((name) => computed.indexOf(name))
  const vector = new Float64Array(places.length)
  return (all: Float64Array) => {
    for (let f = 0; f < places.length; f++) vector[f] = all[places[f]!]!
    const probability = scorer.scoreOne(vector)
    return { isFlagged: scorer.isFlagged(probability), riskLevel: scorer.riskLevel(probability) }
  }
}

const latencyOf = (times: readonly number[]): ServingLatency => {
  const warmUp = Math.min(MOST_WARM_UP, Math.floor(times.length / 10))
  const sorted = times.slice(warmUp).sort((a, b) => a - b)
  const atShare = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return {
    calls: sorted.length,
    warmUp,
    p50: atShare(0.5),
    p99: atShare(0.99),
    largest: sorted.at(-1) ?? 0,
  }
}
