import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { expect } from 'vitest'
import { openLmdbStateStore } from '../../src/adapters/lmdb/lmdb-state-store.ts'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { readEntries, SNAPSHOT_FILES, snapshotFile } from '../../src/artifacts/state-snapshot.ts'
import { applyCleaning, type FittedCleaning } from '../../src/dataset/cleaning.ts'
import { stateOf } from '../../src/decisions/states/stored-state.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { unwatchedWork } from '../../src/disk/work.ts'
import { averagePrecision } from '../../src/evaluation/average-precision.ts'
import { featureSettingsOfModel } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { HEADER } from '../../src/features/state/layout.ts'
import type { Artifact } from '../../src/model/artifact.ts'
import { createScorer } from '../../src/model/scorer.ts'
import type { StateStore } from '../../src/ports/state-store.ts'
import { replay } from '../../src/replay/replay.ts'
import { LABEL, LABEL_WIDTH as PENDING_WIDTH } from '../../src/replay/shared-batch.ts'
import { ENTITY_KINDS } from '../../src/transaction/entity-kind.ts'
import { PREPARED_COLUMNS } from '../../src/transaction/prepared-columns.ts'
import { databaseIn } from '../parity/replay-run.ts'
import { type BankTransaction, nextMorning, type TrainedBank, toldAtMs } from './second-bank-service.ts'
import { parquetFiles } from './served-log.ts'

/** What training's way of computing made of what was served. */
export interface OfflineReplay {
  readonly rows: number
  readonly values: number
  /** Values of features and probabilities that are not the same bits, by name. */
  readonly differing: Readonly<Record<string, number>>
  /** Of what was served, and of what was computed here; NaN without a fraud. */
  readonly averagePrecision: { readonly served: number; readonly offline: number }
  /** Folder of the states after the last transaction. */
  readonly states: string
}

export interface OfflineReplayOptions {
  /** A folder for what is written on the way. */
  readonly folder: string
  readonly bank: TrainedBank
  /** Logs, after POST /save-logs. */
  readonly logs: readonly string[]
  /** Who told the labels that training had left pending: the bank, or the server delivered them itself. */
  readonly history: 'told' | 'delivered'
}

/**
 * Computes what was served once more without anything of the server but its log: the transactions in the
 * order logged become a prepared dataset, with labels that become known when they were told (`bank-life.ts`);
 * it is cleaned, replayed on training's states by the threads of training, and scored with the artifact.
 */
const replayOffline = async ({
  folder,
  bank,
  logs,
  history,
}: OfflineReplayOptions): Promise<OfflineReplay> => {
  const artifact = await readArtifact(join(bank.run, 'package'))
  const { featureSettings, fitted } = artifact.manifest
  const path = (name: string): string => join(folder, name)
  const states = path('states-after')
  mkdirSync(states, { recursive: true })
  const database = databaseIn(folder)
  return withDatabase(database, async (connection) => {
    await readServed(connection, logs)
    await writePrepared(connection, bank.after, path('prepared.parquet'))
    await applyCleaning(
      connection,
      path('prepared.parquet'),
      path('cleaned.parquet'),
      fitted.cleaning as FittedCleaning,
    )
    const { featureNames, rows } = await replay({
      prepared: path('cleaned.parquet'),
      out: path('features.parquet'),
      statesIn: statesBefore(bank, path('states-before'), history),
      statesOut: states,
      settings: featureSettingsOfModel(featureSettings, fitted.features as FittedFeatures),
      fitted: fitted.features as FittedFeatures,
      workers: 2,
      work: unwatchedWork(database),
    })
    const compared = await compareWithServed(connection, path('features.parquet'), featureNames, artifact)
    const frauds = new Map(bank.after.map(({ transactionId, isFraud }) => [transactionId, isFraud ? 1 : 0]))
    const labels = Uint8Array.from(compared.ids, (id) => frauds.get(id)!)
    return {
      rows,
      values: rows * featureNames.length,
      differing: compared.differing,
      states,
      averagePrecision: {
        served: averagePrecision(labels, Float64Array.from(compared.served)),
        offline: averagePrecision(labels, Float64Array.from(compared.offline)),
      },
    }
  })
}

/** Compares the table `served` with the file `features`, row beside row, and both probabilities. */
const compareWithServed = async (
  connection: DuckDBConnection,
  features: string,
  featureNames: readonly string[],
  artifact: Artifact,
) => {
  const scorer = createScorer(artifact)
  const places = scorer.featureNames.map((name) => 4 + 2 * featureNames.indexOf(name))
  const input = new Float64Array(places.length)
  const differing: Record<string, number> = {}
  const compare = (name: string, served: number, offline: number): void => {
    if (!Object.is(served, offline)) differing[name] = (differing[name] ?? 0) + 1
  }
  const ids: string[] = []
  const probabilities = { served: [] as number[], offline: [] as number[] }
  const pairs = featureNames.map((name) => `served.${sqlIdentifier(name)}, offline.${sqlIdentifier(name)}`)
  const result = await connection.stream(
    `SELECT served.transaction_id, offline.transaction_id, served.probability, ${pairs.join(', ')}
     FROM served POSITIONAL JOIN (SELECT * FROM read_parquet(${sqlLiteral(features)})) AS offline`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { ids, differing, ...probabilities }
    const vectors = Array.from({ length: chunk.columnCount }, (_, at) => chunk.getColumnVector(at))
    for (let row = 0; row < chunk.rowCount; row++) {
      const number = (at: number): number => (vectors[at]!.getItem(row) as number | null) ?? Number.NaN
      const id = vectors[0]!.getItem(row) as string
      if (id !== vectors[1]!.getItem(row)) throw new Error(`${id} stands beside another transaction`)
      for (let f = 0; f < featureNames.length; f++)
        compare(featureNames[f]!, number(3 + 2 * f), number(4 + 2 * f))
      for (let at = 0; at < places.length; at++) input[at] = number(places[at]!)
      const offline = scorer.scoreOne(input)
      compare('probability', number(2), offline)
      ids.push(id)
      probabilities.served.push(number(2))
      probabilities.offline.push(offline)
    }
  }
}

/** The decisions of all logs in their order as the table `served`. */
const readServed = async (connection: DuckDBConnection, logs: readonly string[]): Promise<void> => {
  const files = logs.flatMap((log) => parquetFiles(join(log, 'predictions')))
  await connection.run(
    `CREATE TEMP TABLE served AS SELECT DISTINCT ON (sequence) *
     FROM read_parquet([${files.map(sqlLiteral).join(', ')}], union_by_name = true) ORDER BY sequence`,
  )
}

/** What was served as the read step of training would have written it. */
const writePrepared = async (
  connection: DuckDBConnection,
  bank: readonly BankTransaction[],
  out: string,
): Promise<void> => {
  const labels = `${out}.labels.csv`
  const lines = bank.map((row) => `${row.transactionId},${row.isFraud ? 1 : 0},${toldAtMs(row)}`)
  writeFileSync(labels, ['transaction_id,is_fraud,labelled_at_ms', ...lines].join('\n'))
  const known: Readonly<Record<string, string>> = {
    arrival: 'row_number() OVER (ORDER BY sequence) - 1',
    source_row: 'sequence',
    fraud_pattern: 'NULL',
  }
  const columns = Object.entries(PREPARED_COLUMNS).map(
    ([name, type]) => `(${known[name] ?? name})::${type.replace(' NOT NULL', '')} AS ${name}`,
  )
  await connection.run(
    `COPY (SELECT ${columns.join(', ')}
           FROM served JOIN read_csv(${sqlLiteral(labels)}, header = true) AS labels USING (transaction_id) ORDER BY sequence)
     TO ${sqlLiteral(out)} (FORMAT parquet)`,
  )
}

/**
 * Training's states, with the labels that it left pending. Where they are told they are due when they are: in
 * the morning after.
 */
const statesBefore = (
  bank: TrainedBank,
  folder: string,
  history: OfflineReplayOptions['history'],
): string => {
  mkdirSync(folder, { recursive: true })
  for (const name of SNAPSHOT_FILES) copyFileSync(join(bank.run, 'states', name), join(folder, name))
  if (history === 'delivered') return folder
  const pending = join(folder, 'pending.labels')
  // The clock, then the labels.
  const words = new Float64Array(new Uint8Array(readFileSync(pending)).buffer)
  for (let at = 1; at < words.length; at += PENDING_WIDTH)
    words[at + LABEL.beforeRow] = nextMorning(words[at + LABEL.beforeRow]!)
  writeFileSync(pending, new Uint8Array(words.buffer))
  return folder
}

/**
 * States of a store that are not, byte for byte, those of a replay: named `user 1f…`. Those of training's
 * users are in both.
 *
 * One word is left out, which says where to look for the transaction of the next label: it depends on the
 * order of the labels of one morning, which come at once, and nothing that is computed depends on it.
 */
const differingStates = async (store: StateStore, { states }: OfflineReplay): Promise<readonly string[]> => {
  const differing: string[] = []
  for (const kind of ENTITY_KINDS) {
    const offline = new Map(
      [...readEntries(snapshotFile(states, kind))].map(({ token, bytes }) => [token, bytes]),
    )
    for await (const { token, bytes } of store.entries(kind)) {
      const computed = offline.get(token)
      if (computed === undefined || !withoutHint(stateOf(bytes)).equals(withoutHint(computed)))
        differing.push(`${kind} ${token.toString(16)}`)
      offline.delete(token)
    }
    differing.push(...[...offline.keys()].map((token) => `${kind} ${token.toString(16)} is missing`))
  }
  return differing
}

const withoutHint = (state: Uint8Array): Buffer =>
  Buffer.from(state).fill(0, HEADER.labelCursor * 8, (HEADER.labelCursor + 1) * 8)

/**
 * Training's way of computing what was served gives the same bits: features, probabilities, average
 * precision, and the states at the end.
 */
export const expectOfflineParity = async ({
  openStore,
  ...options
}: OfflineReplayOptions & { readonly openStore: () => Promise<StateStore> }): Promise<OfflineReplay> => {
  const offline = await replayOffline(options)
  expect(offline.differing).toEqual({})
  expect(offline.averagePrecision.served).toBe(offline.averagePrecision.offline)
  const store = await openStore()
  try {
    expect(await differingStates(store, offline)).toEqual([])
  } finally {
    await store.close()
  }
  return offline
}

/** The states of a server that was started in `home` and has ended. */
export const openLmdbOf = (home: string): Promise<StateStore> =>
  openLmdbStateStore({
    folder: join(home, '.vigia/state'),
    owner: { processId: process.pid, host: 'test', isAlive: () => false },
  })

export const openRedisOf = ({ url }: { readonly url: string }): Promise<StateStore> =>
  openRedisStateStore({ url, prefix: 'vigia', consumer: 'test' })
