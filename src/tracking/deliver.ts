import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderOwner, withRunLock } from '../disk/folder-lock.ts'
import type { Work } from '../disk/work.ts'
import { type ErrorCode, VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { applyEntry, type Delivery } from './apply-entry.ts'
import {
  type DeliveryState,
  NOTHING_DELIVERED,
  readDeliveryState,
  writeDeliveryState,
} from './delivery-state.ts'
import { type JournalLine, readJournal } from './journal.ts'
import { type JournalEntry, ROOT_RUN } from './journal-entry.ts'
import { ARTIFACT_COPIES } from './keep-artifact.ts'

export interface DeliverOptions {
  readonly owner: FolderOwner
  readonly world: Pick<World, 'now'>
  /** Aborted, a delivery stops before its next operation. */
  readonly work: Pick<Work, 'signal'>
  /**
   * Resends a journal from its beginning if any entry was refused, since order matters; what is there
   * already stays as it is.
   */
  readonly retryRefused?: boolean
  /** Told before each operation. */
  readonly onOperation?: (entry: JournalEntry) => void
}

/** What became of a delivery. */
export interface DeliveryOutcome {
  readonly state: DeliveryState
  /** Operations that the tracker does not have yet. */
  readonly waiting: number
  /** Why it stopped before the end; absent when all is delivered, or when it was told to stop. */
  readonly stoppedBy?: VigiaError
}

/** Another try may succeed, or people must do something first; nothing behind it can be done before. */
const STOPS: readonly ErrorCode[] = [
  'TRACKING_UNREACHABLE',
  'TRACKING_UNAUTHORIZED',
  'TRACKING_STORE_BROKEN',
  'TRACKING_EXPERIMENT_EXISTS',
  'TRACKING_NAME_INVALID',
  'TRACKING_REFUSED',
  'TRACKING_NOT_FOUND',
]

/**
 * Sends what a journal holds and the tracker does not have yet, in order, exactly once:
 *
 * 1. Only one process delivers a journal at a time.
 * 2. `delivered.json` says how far it is and which id each created run has; it is noted after each creation.
 * 3. What was created but not noted is found by the tag `vigia.run_key`; everything else may be done twice
 *    without a difference.
 *
 * A tracker that cannot be reached or lets nobody in ends the delivery, not with an error but with
 * `stoppedBy`. A journal that was begun with another tracker is sent anew from its beginning, unless that one
 * has all of it.
 *
 * @throws PIPELINE_LOCKED when another process delivers the journal, what the file system throws
 */
export const deliverJournal = (
  folder: string,
  store: TrackingStore,
  options: DeliverOptions,
): Promise<DeliveryOutcome> =>
  withRunLock(folder, options.owner, options.world.now(), (assertHeld) =>
    deliverLocked(folder, store, options, assertHeld),
  )

const deliverLocked = async (
  folder: string,
  store: TrackingStore,
  { work, onOperation, retryRefused = false }: DeliverOptions,
  assertHeld: () => void,
): Promise<DeliveryOutcome> => {
  const delivery: Delivery = { store, folder, isCertain: false }
  const { location } = store.tracker
  const before = await readDeliveryState(folder)
  let state: DeliveryState = before ?? { ...NOTHING_DELIVERED, location }
  let lines = await readJournal(folder, state.position)
  try {
    const isRetried = retryRefused && state.refused.length > 0
    if (isRetried || (lines.length > 0 && !(await isKnown(state, store)))) {
      state = { ...NOTHING_DELIVERED, location }
      lines = await readJournal(folder)
    }
  } catch (error) {
    if (!isStop(error)) throw error
    return { state, waiting: countWaiting(lines), stoppedBy: error }
  }
  /** Operations that are done and not noted yet. */
  let unnoted = 0
  const note = async (): Promise<void> => {
    const isUnnoted = unnoted > 0
    unnoted = 0
    if (!isUnnoted) return
    assertHeld()
    await writeDeliveryState(folder, state)
  }
  try {
    for (let index = 0; ; index++) {
      if (index === lines.length) {
        // More may have been written meanwhile.
        lines = await readJournal(folder, state.position)
        index = 0
      }
      const line = lines[index]
      if (line === undefined) break
      if (work.signal.aborted) return { state, waiting: countWaiting(lines.slice(index)) }
      const { entry } = line
      assertHeld()
      if (entry !== undefined) onOperation?.(entry)
      try {
        state = advanced({ ...state, ...(await changeOf(line, state, delivery)) }, line)
      } catch (error) {
        if (!isStop(error)) throw error
        return { state, waiting: countWaiting(lines.slice(index)), stoppedBy: error }
      }
      unnoted++
      const isCreation = entry?.op === 'begin' || entry?.op === 'run' || entry?.op === 'version'
      if (isCreation || unnoted >= MOST_UNNOTED) await note()
    }
  } finally {
    await note()
  }
  if (await isComplete(folder, state)) await removeCopies(folder, state)
  return { state, waiting: 0 }
}

/** Whether the tracker is the one that the journal was begun with: names of places alone do not tell. */
const isKnown = async ({ location, runs }: DeliveryState, { tracker }: TrackingStore): Promise<boolean> => {
  if (location !== tracker.location) return false
  const id = runs[ROOT_RUN]
  if (id === undefined) return true
  try {
    await tracker.getRun(id)
    return true
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'TRACKING_NOT_FOUND') return false
    throw error
  }
}

/** Operations that a crash lets be done again; more only save writing. */
const MOST_UNNOTED = 20

const changeOf = (
  { entry }: JournalLine,
  state: DeliveryState,
  delivery: Delivery,
): Promise<Partial<DeliveryState>> =>
  entry === undefined
    ? // Damaged from outside: what can be read is sent.
      Promise.resolve({
        refused: [
          ...state.refused,
          { what: `operation ${state.entries + 1} of the journal`, reason: 'it cannot be read' },
        ],
      })
    : applyEntry(entry, state, delivery)

const advanced = (state: DeliveryState, { bytes }: JournalLine): DeliveryState => ({
  ...state,
  position: state.position + bytes,
  entries: state.entries + 1,
})

/** Operations that the tracker of `state` does not have yet; all of them when nothing was delivered. */
export const countUndelivered = async (folder: string, state: DeliveryState | undefined): Promise<number> =>
  countWaiting(await readJournal(folder, state?.position))

const countWaiting = (lines: readonly JournalLine[]): number =>
  lines.filter(({ entry }) => entry?.op !== 'note').length

const isStop = (error: unknown): error is VigiaError =>
  error instanceof VigiaError && STOPS.includes(error.code)

/**
 * Whether all is delivered and nothing can be added: a run that was killed may go on, and more may be written
 * at this moment.
 */
const isComplete = async (folder: string, { position }: DeliveryState): Promise<boolean> => {
  const lines = await readJournal(folder)
  const last = lines.findLast(({ entry }) => entry?.op === 'status' && entry.run === ROOT_RUN)?.entry
  const hasEnded = last?.op === 'status' && (last.status === 'FINISHED' || last.status === 'FAILED')
  return hasEnded && position === lines.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Copies of artifacts that the tracker has; they stay while something was refused, for people to look at. */
const removeCopies = async (folder: string, { refused }: DeliveryState): Promise<void> => {
  if (refused.length === 0) await rm(join(folder, ARTIFACT_COPIES), { recursive: true, force: true })
}
