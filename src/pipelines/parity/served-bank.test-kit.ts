import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GeneratedBank, generatedBank } from '../../../test/parity/histories.ts'
import { databaseIn, type History, replayInto } from '../../../test/parity/replay-run.ts'
import { modelOf, NO_CLEANING, testStorage } from '../../../test/parity/serving-kit.ts'
import { applyCleaning } from '../../dataset/cleaning.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatchedWork } from '../../disk/work.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { OpenStates, ServingStorage } from '../service/serving-storage.ts'
import { type ServedRun, type ServeRunOptions, serveRun } from './serve-run.ts'

/** Runs of an invented bank in a folder of their own, to be served. */
export interface ServedBank {
  readonly folder: string
  readonly bank: GeneratedBank
  /** A run of the bank with categories as people type them. */
  readonly trained: Trained
  /** Cleans and replays `history`, as training does. */
  train(name: string, history: History): Promise<Trained>
  /** Serves all rows of a run, or what `changed` says. */
  serve(trained: Trained, changed?: Partial<ServeRunOptions>): Promise<ServedRun>
  remove(): void
}

/** A run: its rows, and what its model is. */
export interface Trained {
  readonly files: ServeRunOptions['files']
  readonly model: LoadedModel
}

export const CLEANING = { ...NO_CLEANING, foldCategories: true }
export const WORLD = { now: () => 1.7e12, monotonicMs: () => 0, newId: () => 'abcdef01-2345' }

export const createServedBank = async (): Promise<ServedBank> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-serve-run-'))
  const disorder = { late_share: 0.2, duplicate_share: 0.05, same_second_share: 0.1 }
  const bank = await generatedBank(folder, 'bank', {
    rows: 2000,
    users: 60,
    merchants: 40,
    days: 50,
    disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
  })
  const train: ServedBank['train'] = async (name, history) => {
    const cleaned = join(folder, `${name} cleaned.parquet`)
    await withDatabase(databaseIn(folder), (connection) =>
      applyCleaning(connection, history.prepared, cleaned, CLEANING),
    )
    const { out } = await replayInto(folder, name, { ...history, prepared: cleaned }, { workers: 2 })
    const { prepared, labelHistory } = history
    const files = { prepared, cleaned, features: out, labelHistory }
    return { files, model: modelOf(history, CLEANING) }
  }
  let services = 0
  const serve: ServedBank['serve'] = ({ files, model }, changed = {}) => {
    const workFolder = changed.workFolder ?? join(folder, `work ${services++}`)
    mkdirSync(workFolder)
    return serveRun({
      files,
      model,
      rows: 100_000,
      source: 'a test',
      storage: testStorage(),
      world: WORLD,
      workers: 2,
      work: unwatchedWork(databaseIn(folder)),
      ...changed,
      workFolder,
    })
  }
  const trained = await train('typed', await asTyped(folder, bank.history))
  return {
    folder,
    bank,
    trained,
    train,
    serve,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Half of the categories otherwise than the other half; cleaning makes one of them. */
const asTyped = async (folder: string, history: History): Promise<History> => {
  const prepared = join(folder, 'as-typed.parquet')
  await withDatabase(databaseIn(folder), (connection) =>
    connection.run(
      `COPY (SELECT * REPLACE (CASE WHEN arrival % 2 = 0 THEN ' ' || upper(merchant_category) ELSE merchant_category END AS merchant_category)
             FROM read_parquet(${sqlLiteral(history.prepared)}))
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  return { ...history, prepared }
}

export const ownedStates = (states: OpenStates): OpenStates & { readonly kind: 'owned' } => {
  if (states.kind === 'owned') return states
  throw new Error('the gates serve with states of their own')
}

/** Real storage with some methods of its store replaced. */
export const withStore = (change: (store: StateStore) => Partial<StateStore>): ServingStorage => {
  const storage = testStorage()
  return {
    ...storage,
    openStates: async (settings) => {
      const states = ownedStates(await storage.openStates(settings))
      return { ...states, store: { ...states.store, ...change(states.store) } }
    },
  }
}

/** Real storage with some methods of its log replaced. */
export const withLog = (change: (log: PredictionLog) => Partial<PredictionLog>): ServingStorage => {
  const storage = testStorage()
  return {
    ...storage,
    openLog: async (settings) => {
      const log = await storage.openLog(settings)
      return overLog(log, change(log))
    },
  }
}

/** `lastSequence` changes: a copy would keep its first value. */
export const overLog = (log: PredictionLog, changed: Partial<PredictionLog>): PredictionLog => ({
  ...log,
  ...changed,
  get lastSequence() {
    return log.lastSequence
  },
})
