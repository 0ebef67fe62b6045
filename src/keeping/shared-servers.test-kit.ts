import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { noTables, openTestLog, TEST_SETTINGS } from '../decisions/inference.test-kit.ts'
import { type Step, takeSteps } from '../decisions/labelled-history.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { type OpenPipeline, openInferencePipeline } from '../decisions/open-pipeline.ts'
import { shareStates } from '../decisions/shared-states.test-kit.ts'
import { warningsOnly } from '../decisions/warnings-only.ts'
import { unwatchedWork } from '../disk/work.ts'
import { nextTurn } from '../foundation/next-turn.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { type RestoreStatesOptions, restoreStates } from '../states/restore-states.ts'
import { type SnapshotSharedOptions, snapshotSharedStates } from '../states/snapshot-shared-states.ts'
import type { KeepingSettings } from './log-keeping.ts'
import { keepingOpener } from './open-keeping.ts'

export const DAY_MS = 86_400_000
const LIFE_MS = 2 * DAY_MS
const FIRST_DAY_MS = Date.UTC(2026, 0, 1, 12)

/** Moves the clock of everything, which goes on from there. */
export interface MovedClock {
  /** Days since the first one. */
  day: number
}

/** From now on it is noon of the first day; `vi.restoreAllMocks` ends that. */
export const moveClock = (): MovedClock => {
  const real = Date.now
  const startMs = real()
  const clock: MovedClock = { day: 0 }
  vi.spyOn(Date, 'now').mockImplementation(() => FIRST_DAY_MS + clock.day * DAY_MS + real() - startMs)
  return clock
}

/** Servers that share states in memory, each with a log and an archive of its own. */
export interface SharedServers {
  readonly store: SharedStateStore
  readonly folders: readonly string[]
  readonly pipelines: readonly OpenPipeline[]
  /** Codes of what their operators were warned of. */
  readonly warnings: readonly string[]
  /** Takes steps by turns. @returns what was answered */
  take(steps: readonly Step[]): Promise<readonly string[]>
  /** Resolves when nothing waits in the store. */
  moved(): Promise<void>
  snapshot(options?: Partial<SnapshotSharedOptions>): ReturnType<typeof snapshotSharedStates>
  restore(options?: Partial<RestoreStatesOptions>): ReturnType<typeof restoreStates>
  /** A day later: logs become Parquet, and what is old goes. */
  endDay(): Promise<void>
  end(): Promise<void>
}

export const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

/** Two days are kept. */
export const KEEPING: KeepingSettings = { snapshotEveryMs: DAY_MS, snapshotsKept: 4, keepMs: 2 * DAY_MS }

export const sharedServers = async (
  folder: string,
  model: LoadedModel,
  clock: MovedClock,
  keeping: KeepingSettings = KEEPING,
  wrap: (store: SharedStateStore) => SharedStateStore = (store) => store,
): Promise<SharedServers> => {
  const openProcess = shareStates()
  const store = await openProcess({ consumer: 'who expects nothing' })
  const folders = ['a', 'b'].map((name) => join(folder, name))
  const workFolder = join(folder, 'work')
  mkdirSync(workFolder, { recursive: true })
  const warnings: string[] = []
  const settings = { ...TEST_SETTINGS, receiptLifeMs: LIFE_MS, waitingLifeMs: LIFE_MS }
  const world = { now: () => Date.now(), monotonicMs: () => 0, newId: () => 'abcdef0123' }
  const pipelines: OpenPipeline[] = []
  let movers = 0
  for (const [own, archive] of folders.entries()) {
    const opened = await openProcess({ consumer: archive })
    /** Which of them moves records to its log, would be chance: they do by turns, so both logs have some. */
    const byTurns: SharedStateStore = {
      ...opened,
      takeEntries: async (most, waitMs) => {
        if (movers % folders.length !== own) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          return []
        }
        const entries = await opened.takeEntries(most, waitMs)
        if (entries.length > 0) movers++
        return entries
      },
    }
    const log = await openTestLog(archive)
    const parts = {
      observer: warningsOnly((code) => void warnings.push(code)),
      log,
      archive,
      database: DATABASE,
      states: {
        kind: 'shared',
        name: 'memory',
        store: wrap(byTurns),
        persistence: { kind: 'log', says: '' },
      },
      settings,
      world,
    } as const
    pipelines.push(
      await openInferencePipeline({
        ...parts,
        models: { champion: model },
        tables: noTables(),
        openKeeping: keepingOpener({ ...parts, keeping }),
      }).catch(async (error: unknown) => {
        await log.close()
        throw error
      }),
    )
  }
  const common = {
    store,
    storeName: 'the store',
    model,
    logs: folders,
    openLog: openLogReader,
    accepted: [],
    waitingLifeMs: LIFE_MS,
    world,
    workFolder,
    work: unwatchedWork(DATABASE),
  }
  const moved = async (): Promise<void> => {
    while ((await store.waitingEntries()).length > 0) await nextTurn()
  }
  let turn = 0
  return {
    store,
    folders,
    pipelines,
    warnings,
    take: (steps) => takeSteps(steps, () => pipelines[turn++ % pipelines.length]!),
    moved,
    snapshot: (options = {}) => snapshotSharedStates({ ...common, ...options }),
    restore: (options = {}) =>
      restoreStates({ ...common, skip: 0, force: false, receiptLifeMs: LIFE_MS, ...options }),
    endDay: async () => {
      await moved()
      clock.day++
      for (const pipeline of pipelines) await pipeline.saveLogs()
    },
    end: async () => {
      for (const pipeline of pipelines) await pipeline.close()
    },
  }
}
