import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { RunStatus } from '../ports/experiment-tracker.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { countUndelivered, type DeliverOptions, deliverJournal } from './deliver.ts'
import { type DeliveryState, type RefusedEntry, readDeliveryState } from './delivery-state.ts'
import { type JournalSummary, listJournals } from './find-journals.ts'
import { ROOT_RUN } from './journal-entry.ts'

/** A recorded run and how far it is delivered. */
export interface PushedRun {
  /** Absolute. */
  readonly runFolder: string
  readonly runKey: string
  readonly experiment: string
  readonly startTimeMs: number
  readonly status: RunStatus
  /** The tracker that has what was delivered; absent when nothing was. */
  readonly location?: string
  /** Id of the run in it. */
  readonly runId?: string
  readonly version?: { readonly model: string; readonly version: number }
  /** All that was recorded, and what of it is not delivered. */
  readonly operations: number
  readonly waiting: number
  readonly refused: readonly RefusedEntry[]
  /** Why a push ended before its end. */
  readonly stoppedBy?: VigiaError
}

/** How what is left is sent. */
export interface PushOptions extends Omit<DeliverOptions, 'onOperation'> {
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
}

/** How far the runs of these run folders are delivered; no tracker is asked. The latest of a folder first. */
export const statusOfJournals = async (runFolders: readonly string[]): Promise<readonly PushedRun[]> => {
  const runs: PushedRun[] = []
  for (const runFolder of runFolders)
    for (const journal of await listJournals(runFolder)) {
      const state = await readDeliveryState(journal.folder)
      runs.push(await pushedRun(runFolder, journal, state, await countUndelivered(journal.folder, state)))
    }
  return runs
}

/**
 * Sends what the runs of these folders have recorded and `store` does not have yet, the earliest of a folder
 * first. A run that another process delivers at the moment is left to it.
 *
 * @throws what the file system throws
 */
export const pushJournals = async (
  runFolders: readonly string[],
  store: TrackingStore,
  options: PushOptions,
): Promise<readonly PushedRun[]> => {
  const runs: PushedRun[] = []
  for (const runFolder of runFolders) {
    for (const journal of (await listJournals(runFolder)).toReversed()) {
      if (options.work.signal.aborted) return runs
      runs.push(await push(runFolder, journal, store, options))
    }
  }
  return runs
}

const push = async (
  runFolder: string,
  journal: JournalSummary,
  store: TrackingStore,
  options: PushOptions,
): Promise<PushedRun> => {
  const before = await readDeliveryState(journal.folder)
  const total = await countUndelivered(journal.folder, before)
  let done = 0
  try {
    const { state, waiting, stoppedBy } = await deliverJournal(journal.folder, store, {
      ...options,
      onOperation: () =>
        options.work.reportProgress({
          activity: 'sending what was recorded',
          done: done++,
          total,
          unit: 'operations',
        }),
    })
    return await pushedRun(runFolder, journal, state, waiting, stoppedBy)
  } catch (error) {
    if (!(error instanceof VigiaError && error.code === 'PIPELINE_LOCKED')) throw error
    const state = await readDeliveryState(journal.folder)
    return pushedRun(runFolder, journal, state, await countUndelivered(journal.folder, state), error)
  }
}

const pushedRun = async (
  runFolder: string,
  { folder, runKey, experiment, startTimeMs, status }: JournalSummary,
  state: DeliveryState | undefined,
  waiting: number,
  stoppedBy?: VigiaError,
): Promise<PushedRun> => ({
  runFolder,
  runKey,
  experiment,
  startTimeMs,
  status,
  waiting,
  operations: await countUndelivered(folder, undefined),
  refused: state?.refused ?? [],
  ...(state !== undefined && { location: state.location }),
  ...(state?.runs[ROOT_RUN] !== undefined && { runId: state.runs[ROOT_RUN] }),
  ...(state?.version !== undefined && { version: state.version }),
  ...(stoppedBy !== undefined && { stoppedBy }),
})
