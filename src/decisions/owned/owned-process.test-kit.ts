import type { LogEntry as HistoryEntry } from '../../../test/oracle/naive-features.ts'
import { VigiaError } from '../../errors.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { createDecider } from '../decider.ts'
import { openTestLog, silentObserver, TEST_SETTINGS, TEST_WORLD, testModel } from '../inference.test-kit.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { decodeLogEntry, type LogEntry } from '../log/log-record.ts'
import { predictionNames } from '../prediction-names.ts'
import { expectReplayed as expectReplayedBy } from '../replayed.test-kit.ts'
import { openOwnedDecisions } from './owned-decisions.ts'

/** The model of all test processes. */
export const MODEL = testModel()

export interface ProcessOptions {
  readonly observer?: InferenceObserver
  readonly cacheBytes?: number
  /** Default: nothing is saved by itself. */
  readonly saveAfterMs?: number
  readonly now?: () => number
  readonly model?: LoadedModel
  /** Default: states stay. */
  readonly expiresStates?: boolean
  /** In place of the log in the folder. */
  readonly log?: PredictionLog
}

const running = new Set<{ close(): Promise<void> }>()

/**
 * Starts a process that decides with these states and the log in this folder; whoever had them before is
 * dead.
 */
export const startProcess = async (store: StateStore, folder: string, options: ProcessOptions = {}) => {
  const { observer = silentObserver, cacheBytes = TEST_SETTINGS.cacheBytes } = options
  const { saveAfterMs = TEST_SETTINGS.saveAfterMs, now = TEST_WORLD.now, model = MODEL } = options
  const { expiresStates = false } = options
  const log = options.log ?? (await openTestLog(folder))
  let isKilled = false
  const decisions = await openOwnedDecisions({
    // What a killed process does not do any more.
    store: { ...store, save: async (...save) => (isKilled ? neverEnds() : store.save(...save)) },
    log,
    observer,
    decider: createDecider({ champion: model }),
    names: predictionNames({ logName: 'test' }),
    settings: { ...TEST_SETTINGS, cacheBytes, saveAfterMs, expiresStates },
    world: { ...TEST_WORLD, now },
    nameOf: async () => ({ name: MODEL.description.name, version: MODEL.description.version }),
  })
  const process = {
    log,
    decisions,
    send: async (event: HistoryEntry): Promise<void> => {
      if ('transaction' in event) await whenThereIsRoom(() => decisions.predict(event.transaction, 0))
      else await process.label(event.labelOf.transactionId, event.isFraud)
    },
    label: (transactionId: string, isFraud: boolean | null) =>
      decisions.applyFeedback({ transactionId, isFraud }),
    save: () => decisions.archivable(),
    /** Its first write reaches the store; a kill may keep the others from it. */
    beginSave: (): void => void decisions.archivable().catch(() => undefined),
    isRunning: (): boolean => running.has(process),
    close: async (): Promise<void> => {
      running.delete(process)
      await decisions.close()
    },
    /** Ends it as `kill -9` does: nothing more is written, and nothing is given back. */
    kill: async (): Promise<void> => {
      isKilled = true
      running.delete(process)
      void decisions.close().catch(() => undefined)
    },
  }
  running.add(process)
  return process
}

/** Tries again while memory is full of states that are being saved. */
const whenThereIsRoom = async <T>(work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof VigiaError && error.code === 'SERVING_STORE_BEHIND')) throw error
      await nextTurn()
    }
  }
}

/** Closes all processes that are still running. */
export const endAll = async (): Promise<void> => {
  for (const process of running) await process.close()
}

export const neverEnds = (): Promise<never> => new Promise(() => undefined)

/** All entries of a log, oldest first. */
export const entriesOf = async (log: PredictionLog): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for await (const { payload } of log.read(0)) entries.push(decodeLogEntry(payload)!)
  return entries
}

/** As `expectReplayed` of the model that these processes decide with. */
export const expectReplayed = (entries: readonly LogEntry[]): void => expectReplayedBy(entries, MODEL)
