import { join } from 'node:path'
import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testModel,
} from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { type OpenPipeline, openInferencePipeline } from '../decisions/open-pipeline.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { KeepingSettings } from './log-keeping.ts'
import { keepingOpener } from './open-keeping.ts'

export const DAY_MS = 86_400_000
export const CHAMPION = testModel('champion')
export const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

/** A service with its folders, and a clock that a test moves. */
export interface KeptService {
  readonly logFolder: string
  readonly stateFolder: string
  nowMs: number
  /** Transactions so far. */
  readonly sent: number
  /** First letter of the users that send. */
  users: string
  /** What it keeps its states in. */
  readonly store: OwnedStateStore
  /** States of each kind. */
  count(): Promise<Readonly<Record<string, number>>>
  readonly pipeline: OpenPipeline
  /** Decides on the next transactions, and tells labels of some before. */
  send(count: number): Promise<void>
  /** A day later; what is due is done. */
  endDay(): Promise<void>
  /** Opens another one on the same folders, when this one is closed. */
  reopen(): Promise<void>
}

export const KEEPING: KeepingSettings = {
  snapshotEveryMs: DAY_MS,
  snapshotsKept: 4,
  keepMs: 2 * DAY_MS,
}

let processes = 3_000_000_000

/** @param before a service that was there before, of which the folder has a copy */
export const keptService = async (
  folder: string,
  keeping: KeepingSettings = KEEPING,
  before?: Pick<KeptService, 'nowMs' | 'sent'>,
  model: LoadedModel = CHAMPION,
): Promise<KeptService> => {
  const logFolder = join(folder, 'log')
  const stateFolder = join(folder, 'state')
  let store: OwnedStateStore
  const open = async (): Promise<OpenPipeline> => {
    const owner = { processId: processes++, host: 'here', processSpace: 'test', isAlive: () => false }
    store = await openLmdbStateStore({ folder: stateFolder, owner })
    const own = {
      observer: silentObserver,
      log: await openTestLog(logFolder),
      archive: logFolder,
      database: DATABASE,
      states: {
        kind: 'owned',
        name: 'lmdb',
        store,
      },
      settings: {
        ...TEST_SETTINGS,
        receiptLifeMs: DAY_MS,
        waitingLifeMs: DAY_MS,
        // States that forget are swept at once; others are saved when a test ends.
        ...(model !== CHAMPION && { saveAfterMs: 200, expiresStates: true }),
      },
      world: { ...TEST_WORLD, now: () => service.nowMs },
    } as const
    return openInferencePipeline({
      ...own,
      models: { champion: model },
      tables: noTables(),
      openKeeping: keepingOpener({ ...own, keeping }),
    })
  }
  const service = {
    logFolder,
    stateFolder,
    nowMs: before?.nowMs ?? Date.UTC(2026, 0, 1, 12),
    sent: before?.sent ?? 0,
    users: 'u',
    get store() {
      return store
    },
    count: () => store.count(),
    pipeline: undefined as unknown as OpenPipeline,
    send: async (count: number) => {
      for (const end = service.sent + count; service.sent < end; service.sent++) {
        const { sent } = service
        await service.pipeline.predict(payment(sent, service.nowMs, service.users), 0)
        if (sent >= 10 && sent % 2 === 0)
          await service.pipeline.applyFeedback({ transactionId: `t${sent - 10}`, isFraud: sent % 4 === 0 })
      }
    },
    endDay: async () => {
      service.nowMs += DAY_MS
      await service.pipeline.saveLogs()
    },
    reopen: async () => {
      service.pipeline = await open()
    },
  }
  await service.reopen()
  return service
}

const payment = (n: number, nowMs: number, users: string): Transaction => ({
  transactionId: `t${n}`,
  userId: `${users}${n % 5}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: nowMs + n * 400,
  amountMinor: 100 + n,
})
