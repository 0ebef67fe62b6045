import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { publishStates } from '../../artifacts/states-manifest.ts'
import { isTold } from '../../decisions/label-origin.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import type { LabelEntry, LogEntry } from '../../decisions/log/log-record.ts'
import { withLoggedEntries } from '../../decisions/log/logged-entries.ts'
import { snapshotLoader } from '../../decisions/tables/load-served-table.ts'
import { tablesOf } from '../../decisions/tables/merge-tables.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { createDifferingValues, type DifferingValues } from '../../evaluation/differing-values.ts'
import type { World } from '../../foundation/world.ts'
import { replay } from '../../replay/replay.ts'
import { stateKindsOf } from '../../transaction/entity-kind.ts'
import type { ServingStorage } from '../service/serving-storage.ts'
import { type Driven, driveService } from './drive-service.ts'
import type { ParityReport } from './parity-report.ts'
import { readLabels, readRequests, readTrainedRows, type TrainedRow } from './served-rows.ts'

export interface ServeRunOptions {
  /**
   * Transactions of the run as they were read and as they were cleaned, and the features that training has of
   * them.
   */
  readonly files: {
    readonly prepared: string
    readonly cleaned: string
    readonly features: string
    /** Where the run has one. */
    readonly labelHistory?: string | undefined
  }
  readonly model: LoadedModel
  /** How many of the last transactions are sent; all where there are not so many. */
  readonly rows: number
  /** Where the transactions came from, for people. */
  readonly source: string
  /** What a server keeps states and log in; it is used in `workFolder`. */
  readonly storage: ServingStorage
  readonly world: World
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly workers: number
  readonly work: Work
}

/**
 * Times of `predict` as its caller sees them, one call after the other, log and receipts included.
 * Milliseconds.
 */
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
 * Serves the end of a run: what a server that was deployed before its last transactions would have logged is
 * compared, value by value, with what training has.
 *
 * 1. What came before is cleaned, replayed in bulk and kept as states, as a run keeps them.
 * 2. A service starts from these states and is sent the rest, as it was read (`driveService`).
 * 3. The decisions are read back from the service's log, and each value is compared.
 *
 * @throws the errors of `replay`, of `openService` and of decisions, INTERRUPTED
 */
export const serveRun = async (options: ServeRunOptions): Promise<ServedRun> => {
  const cut = await withDatabase(options.work.database, (connection) => cutOf(connection, options))
  if (cut.arrived > 0) await keepStates(options, cut)
  const driven = await drive(options, cut)
  return { parity: await compareLogged(options, cut, driven), latency: latencyOf(driven.latencies) }
}

/** Where serving begins. */
interface Cut {
  /** Transactions before it, and after it. */
  readonly arrived: number
  readonly left: number
  /** Latest event time before it; -Infinity where there is none. */
  readonly clockMs: number
}

const cutOf = async (connection: DuckDBConnection, { files, rows }: ServeRunOptions): Promise<Cut> => {
  const source = `read_parquet(${sqlLiteral(files.prepared)})`
  const number = async (sql: string): Promise<number | null> =>
    (await connection.runAndReadAll(sql)).getRows()[0]?.[0] as number | null
  const total = (await number(`SELECT count(*)::DOUBLE FROM ${source}`)) ?? 0
  const arrived = Math.max(0, total - rows)
  const clockMs = await number(`SELECT max(event_time_ms)::DOUBLE FROM ${source} WHERE arrival < ${arrived}`)
  return { arrived, left: total - arrived, clockMs: clockMs ?? Number.NEGATIVE_INFINITY }
}

/** Replays what came before the cut, and keeps its states as `states/` of the work folder. */
const keepStates = async (options: ServeRunOptions, { arrived, clockMs }: Cut): Promise<void> => {
  const { files, model, workFolder, workers, work } = options
  const prepared = join(workFolder, 'before.parquet')
  const [statesOut, states] = [join(workFolder, 'before-states'), join(workFolder, 'states')]
  await mkdir(statesOut)
  await mkdir(states)
  await withDatabase(work.database, (connection) =>
    connection.run(
      `COPY (SELECT * FROM read_parquet(${sqlLiteral(files.cleaned)}) WHERE arrival < ${arrived} ORDER BY arrival)
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  await replay({
    prepared,
    labelHistory: files.labelHistory,
    out: join(workFolder, 'before-features.parquet'),
    statesOut,
    settings: model.settings,
    fitted: model.fitted,
    workers,
    work,
  })
  await publishStates(
    statesOut,
    states,
    model.identity,
    clockMs,
    stateKindsOf(model.settings.options.entities),
  )
}

const drive = (options: ServeRunOptions, { arrived, clockMs, left }: Cut): Promise<Driven> =>
  withDatabase(options.work.database, async (connection, connect) => {
    const labelsConnection = await connect()
    try {
      const { files, model, workFolder: folder } = options
      const given = new Set(tablesOf([model]).flatMap((table) => table.attributes.map(({ name }) => name)))
      // What tables have is not sent: the service looks it up, in the tables that the run kept.
      const { amounts, options: own } = model.settings
      const shape = {
        attributes: own.attributes.filter(({ name }) => !given.has(name)),
        amounts,
        reversals: own.reversals,
      }
      const delayMs = model.settings.limits.user.labelDelayMs
      return await driveService({
        folder,
        // A service looks for `states/` beside the folder that its model was loaded from.
        model: { ...model, description: { ...model.description, source: join(folder, 'package') } },
        storage: options.storage,
        world: options.world,
        work: options.work,
        loadTable: snapshotLoader(dirname(files.prepared)),
        requests: readRequests(connection, files.prepared, arrived, shape),
        count: left,
        before: { arrived, clockMs },
        labels: readLabels(
          labelsConnection,
          files.prepared,
          { from: arrived, delayMs, labelHistory: files.labelHistory },
          shape,
        ),
      })
    } finally {
      labelsConnection.closeSync()
    }
  })

const compareLogged = (options: ServeRunOptions, cut: Cut, driven: Driven): Promise<ParityReport> => {
  const { files, model, storage, workFolder, work, source } = options
  const logged = { folders: [driven.log], openLog: storage.readLog, workFolder, work }
  return withLoggedEntries(logged, async ({ entries, connect }) => {
    const connection = await connect()
    try {
      const differing = createDifferingValues(model.computed)
      const trained = readTrainedRows(connection, files, model.computed, cut.arrived)
      const { labels, ...counts } = await compareRows(trained, entries, differing)
      for (const feature of driven.replayedOtherwise) differing.add(feature)
      return {
        schema: 1,
        source,
        identity: model.identity,
        rows: counts.rows,
        values: counts.rows * model.computed.length,
        differing: differing.report(),
        missing: counts.missing + Math.max(0, driven.labels - labels),
        extra: counts.extra,
      }
    } finally {
      connection.closeSync()
    }
  })
}

/**
 * Lays the decisions of a log beside the rows of training. Both stand in the order in which the transactions
 * were sent, so a row that is not next in the log is not in it.
 */
const compareRows = async (
  trained: AsyncIterable<TrainedRow>,
  entries: AsyncIterator<LogEntry>,
  differing: DifferingValues,
) => {
  const counts = { rows: 0, missing: 0, extra: 0, labels: 0 }
  const seen = new Set<string>()
  /** The next decision on a transaction that was not decided on before. */
  const nextDecision = async () => {
    for (;;) {
      const { done, value: entry } = await entries.next()
      if (done === true) return undefined
      if (entry.kind === 'repair') continue
      if (entry.kind === 'label') counts.labels += isLearnt(entry.label) ? 1 : 0
      else if (seen.has(entry.decision.transaction.transactionId)) counts.extra++
      else return entry
    }
  }
  let decision = await nextDecision()
  for await (const { transactionId, expected } of trained) {
    if (decision?.decision.transaction.transactionId !== transactionId) {
      counts.missing += expected === undefined ? 0 : 1
      continue
    }
    if (expected === undefined) counts.extra++
    else {
      counts.rows++
      differing.compare(decision.vector, expected)
    }
    seen.add(transactionId)
    decision = await nextDecision()
  }
  for (; decision !== undefined; decision = await nextDecision()) counts.extra++
  return counts
}

/** A label that was told, and of which the service knew whose it is. */
const isLearnt = (label: LabelEntry): boolean => isTold(label) && label.isWaiting !== true

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
