import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import type { ServingModels } from '../decisions/decider.ts'
import type { DecisionWatch } from '../decisions/decision-watch.ts'
import type { OpenStates } from '../decisions/decisions.ts'
import { noTables, openTestLog, TEST_SETTINGS, TEST_WORLD } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { type OpenPipeline, openInferencePipeline } from '../decisions/open-pipeline.ts'
import { warningsOnly } from '../decisions/warnings-only.ts'
import { unwatchedWork } from '../disk/work.ts'
import { encodeDays } from '../drift/days-encoding.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { createDayKeeper } from './day-keeper.ts'
import { type DaysOfLog, daysOfLog } from './days-of-log.ts'
import { keptDaysPath } from './kept-days-file.ts'
import { FIRST_DAY, watchedModel } from './monitored-log.test-kit.ts'
import { monitoredModel } from './monitored-model.ts'

export const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: join(tmpdir(), 'vigia-spill') }

/** A model that is watched in bins of its own, and tells apart from the champion by key and scores. */
export const otherModel = (name: string): LoadedModel => {
  const model = watchedModel(0)
  const { scorer } = model
  return {
    ...model,
    key: `${name}${'0'.repeat(16)}`.slice(0, 16),
    description: { ...model.description, name, sha256: name.padEnd(64, '0') },
    scorer: { ...scorer, scoreOne: (vector) => scorer.scoreOne(vector) ** 2 },
  }
}

/** A server that keeps days, which a test may kill. */
export interface KeepingServer {
  readonly pipeline: OpenPipeline
  readonly watch: DecisionWatch
  readonly log: PredictionLog
}

export interface ServerOptions {
  readonly models: ServingModels
  readonly states: OpenStates
  readonly warnings?: string[]
  /** The log that the server writes, over the one in the folder. */
  readonly wrapLog?: (log: PredictionLog) => PredictionLog
}

/** The clock of all servers: what they are sent is of the four days before. Ten days ago is too old. */
export const NOW = (FIRST_DAY + 4) * DAY_MS

/** Whoever had the log in `folder` before is dead, and has given nothing back. */
export const startServer = async (
  folder: string,
  { models, states, warnings = [], wrapLog = (log) => log }: ServerOptions,
): Promise<KeepingServer> => {
  const log = wrapLog(await openTestLog(folder, 1 << 16))
  const observer = warningsOnly((code) => void warnings.push(code))
  const watch = createDayKeeper({ log, folder, isShared: states.kind === 'shared', observer })
  // A test saves when it means to: what it leaves behind as killed must not save after its end.
  watch.start = () => undefined
  const pipeline = await openInferencePipeline({
    models,
    tables: noTables(),
    observer,
    archive: folder,
    database: DATABASE,
    log,
    states,
    settings: {
      ...TEST_SETTINGS,
      eventTime: { maxFutureMs: 20_000, maxAgeMs: 10 * DAY_MS },
    },
    world: { ...TEST_WORLD, now: () => NOW },
    watch,
  })
  return { pipeline, watch, log }
}

const TYPES = ['Withdrawal', 'purchase ', undefined, 'Transfer']

/** The hours of `n` alternate, over some days; every thirtieth is too old, and comes again now and then. */
export const payment = (n: number): Transaction => {
  const hours = n % 30 === 29 ? -24 * 20 : (n % 3) * 25 + Math.floor(n / 40)
  const transactionType = TYPES[n % TYPES.length]
  return {
    transactionId: `t${n}`,
    userId: `u${n % 7}`,
    merchantId: 'shop',
    deviceId: `d${n % 3}`,
    eventTimeMs: FIRST_DAY * DAY_MS + hours * 3_600_000 + n,
    amountMinor: 100 + ((n * 7919) % 9000),
    ...(transactionType !== undefined && { transactionType }),
  }
}

export interface LookOptions {
  readonly model: LoadedModel
  readonly folders: readonly string[]
  readonly told?: string[]
  /** Told of the record after which a log is read. */
  readonly onRead?: (after: number) => void
}

/** What the days of these logs were like, by what is kept beside them. */
export const lookAt = ({ model, folders, told = [], onRead }: LookOptions): Promise<DaysOfLog> =>
  daysOfLog({
    model: monitoredModel(model),
    folders,
    openLog: (folder) => {
      const log = openLogReader(folder)
      return {
        ...log,
        read: (after) => {
          onRead?.(after)
          return log.read(after)
        },
      }
    },
    workFolder: folders[0]!,
    work: unwatchedWork(DATABASE),
    tell: (notice) => void told.push(notice),
  })

/** The same of a copy of the log that nothing is kept beside. */
export const readWhole = async (model: LoadedModel, folder: string): Promise<DaysOfLog> => {
  const copy = mkdtempSync(join(tmpdir(), 'vigia-whole-'))
  try {
    for (const name of readdirSync(folder))
      if (name !== 'monitoring') cpSync(join(folder, name), join(copy, name), { recursive: true })
    return await lookAt({ model, folders: [copy] })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** All that a look is made from, so that equal means bit for bit. */
export const told = ({ days, unfinished, ...counts }: DaysOfLog) => ({
  ...counts,
  firstRecords: [...counts.firstRecords],
  days: [...days, ...(unfinished === undefined ? [] : [unfinished])].map((day) => [
    day.day,
    day.profile.rows,
    Buffer.from(encodeDays([day])).toString('base64'),
  ]),
  finished: days.length,
})

/** Where the server keeps the days of its log. */
export const keptPath = (folder: string, model: LoadedModel): string =>
  keptDaysPath(folder, monitoredModel(model), 'days')

export const isKept = (folder: string, model: LoadedModel): boolean => existsSync(keptPath(folder, model))
