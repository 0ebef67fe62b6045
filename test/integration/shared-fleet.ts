import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { createDecider } from '../../src/decisions/decider.ts'
import type { Decisions } from '../../src/decisions/decisions.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testModel,
} from '../../src/decisions/inference.test-kit.ts'
import type { LoadedModel } from '../../src/decisions/loaded-model.ts'
import { decodeLogEntry, type LogEntry } from '../../src/decisions/log/log-record.ts'
import { writeModelDocument } from '../../src/decisions/log/model-document.ts'
import { predictionNames } from '../../src/decisions/prediction-names.ts'
import { expectReplayed as expectReplayedBy } from '../../src/decisions/replayed.test-kit.ts'
import { assertNeverUsed, joinHistory } from '../../src/decisions/shared/known-history.ts'
import { openSharedDecisions } from '../../src/decisions/shared/shared-decisions.ts'
import {
  readStoreIdentity,
  type StoreIdentity,
  writeStoreIdentity,
} from '../../src/decisions/states/store-identity.ts'
import { unwatchedWork } from '../../src/disk/work.ts'
import { nextTurn } from '../../src/foundation/next-turn.ts'
import type { PredictionLog } from '../../src/ports/prediction-log.ts'
import type { SharedStateStore } from '../../src/ports/state-store.ts'
import { type RestoreStatesOptions, restoreStates } from '../../src/states/restore-states.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'

const MODEL = testModel()
const PREFIX = 'fleet'

/** A process that decides on a shared store, as `vigia serve` does, without HTTP. */
export interface FleetProcess {
  readonly decisions: Decisions
  readonly log: PredictionLog
  readonly store: SharedStateStore
  /** Codes of what its operators were warned of. */
  readonly warnings: readonly string[]
  /** Ends it as SIGTERM does. */
  end(): Promise<void>
}

/** Processes on one Redis, with a log each, that decide on small windows. */
export interface SharedFleet {
  /** Starts a process; one of the same name has the log of the one before. */
  start(name: string): Promise<FleetProcess>
  /** Resolves when the logs of all processes have so many records. */
  moved(records: number): Promise<void>
  restore(options?: Partial<RestoreStatesOptions>): ReturnType<typeof restoreStates>
  /** Ends all processes. @returns what their logs have, in the order of the numbers, each number once */
  end(): Promise<LogEntry[]>
}

/** @param url of the store, as settings have it */
export const startFleet = (folder: string, url: string, model: LoadedModel = MODEL): SharedFleet => {
  const processes: FleetProcess[] = []
  const entries = new Map<number, LogEntry>()
  /** Records in the logs of processes that were ended. */
  let ended = 0
  const folders = new Set<string>()
  const open = (consumer: string) => openRedisStateStore({ url, prefix: PREFIX, consumer, compareMs: 0 })
  const start: SharedFleet['start'] = async (name) => {
    const path = join(folder, name)
    const log = await openTestLog(path)
    await writeModelDocument(log, model)
    const store = await open(name)
    try {
      const named = { store, name: 'the store' }
      const known = await readStoreIdentity(store)
      if (known === undefined) await assertNeverUsed(named, log)
      const identity = known ?? (await writeStoreIdentity(store, newIdentity(model)))
      await joinHistory(named, log, identity)
      const warnings: string[] = []
      const decisions = await openSharedDecisions({
        store,
        log,
        identity,
        observer: { ...silentObserver, warned: (code) => void warnings.push(code) },
        decider: createDecider({ champion: model }),
        names: predictionNames(identity),
        settings: TEST_SETTINGS,
        world: TEST_WORLD,
      })
      const process = {
        decisions,
        log,
        store,
        warnings,
        end: async () => {
          const at = processes.indexOf(process)
          if (at < 0) return
          processes.splice(at, 1)
          await decisions.close()
          for await (const { payload } of log.read(0)) {
            const entry = decodeLogEntry(payload)!
            entries.set(entry.sequence, entry)
          }
          ended += log.lastSequence
          await log.close()
          await store.close()
        },
      }
      folders.add(path)
      processes.push(process)
      return process
    } catch (error) {
      await store.close()
      await log.close()
      throw error
    }
  }
  return {
    start,
    moved: async (records) => {
      while (processes.reduce((sum, { log }) => sum + log.lastSequence, ended) < records) await nextTurn()
    },
    restore: async (options = {}) => {
      const workFolder = join(folder, 'work')
      mkdirSync(workFolder, { recursive: true })
      const database = { threads: 1, memoryLimit: '256MB', tempDirectory: join(workFolder, 'spill') }
      const store = await open('restore')
      try {
        return await restoreStates({
          store,
          storeName: 'the store',
          model,
          logs: [...folders],
          openLog: openLogReader,
          accepted: [],
          skip: 0,
          force: false,
          receiptLifeMs: TEST_SETTINGS.receiptLifeMs,
          waitingLifeMs: TEST_SETTINGS.waitingLifeMs,
          world: TEST_WORLD,
          workFolder,
          work: unwatchedWork(database),
          ...options,
        })
      } finally {
        await store.close()
      }
    },
    end: async () => {
      await Promise.all([...processes].map((process) => process.end()))
      return [...entries.values()].sort((a, b) => a.sequence - b.sequence)
    },
  }
}

let histories = 0
const newIdentity = (model: LoadedModel): StoreIdentity => ({
  statesKey: model.statesKey,
  identity: model.identity,
  logName: `h${++histories}`,
  createdAtMs: 0,
})

/** One of four users' payments; the same for the same number. */
export const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 4}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: 1e12 + n * 1000,
  amountMinor: 100 + n,
})

/** Decides on payments from one number to another, inclusive, by turns. */
export const decide = async (
  processes: readonly FleetProcess[],
  first: number,
  last: number,
): Promise<void> => {
  for (let n = first; n <= last; n++) await processes[n % processes.length]!.decisions.predict(payment(n), 0)
}

/** Requests and people are told that decisions are lost, and nothing is decided or given away. */
export const expectLost = async ({ decisions, warnings }: FleetProcess, reason: RegExp): Promise<void> => {
  for (const call of [
    () => decisions.predict(payment(1), 0),
    () => decisions.predict(payment(9000), 0),
    () => decisions.applyFeedback({ transactionId: 't1', isFraud: true }),
    () => decisions.findDecision('t1'),
  ])
    await expect(call()).rejects.toMatchObject({
      code: 'SERVING_HISTORY_LOST',
      status: 503,
      message: expect.stringMatching(reason),
    })
  expect(decisions.status()).toMatchObject({ isHistoryLost: true, failure: expect.stringMatching(reason) })
  expect(warnings.filter((code) => code === 'SERVING_HISTORY_LOST')).toHaveLength(1)
}

/** Every logged feature is what one engine makes of the log, bit for bit; numbers have no gap. */
export const expectReplayed = (entries: readonly LogEntry[]): void => {
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1))
  expectReplayedBy(entries, MODEL)
}
