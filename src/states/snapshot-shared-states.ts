import { join } from 'node:path'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { acceptText, type NumberRange, someRanges } from '../decisions/log/number-ranges.ts'
import { type SnapshotManifest, snapshotName, snapshotsFolder } from '../decisions/log/state-snapshots.ts'
import { readStoreIdentity, type StoreIdentity } from '../decisions/states/store-identity.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import { HISTORY_LOST, lossText } from '../ports/history-loss.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { NumbersInARow } from './numbers-in-a-row.ts'
import { copySnapshot, hasWhole, manifestOf, publishSnapshot } from './publish-snapshot.ts'
import { type LoggedHistories, type NumberProblems, readHistories, without } from './restore-history.ts'
import { LabelsAgain } from './restore-labels.ts'
import { assertModel, beginLabels, type StartOfShared, startOfShared } from './start-of-shared.ts'
import { StatesAgain, type StatesMemory } from './states-again.ts'

export interface SnapshotSharedOptions {
  /** It is asked how far its decisions go, and changes nothing. */
  readonly store: Pick<SharedStateStore, 'readNote' | 'readHistory' | 'waitingEntries'>
  /** For people. */
  readonly storeName: string
  /** A model that can go on from the states. */
  readonly model: LoadedModel
  /** Folders of the logs of all servers that decide on the store, with their archives. */
  readonly logs: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** Folder of the states that the history began with, to begin there; otherwise the newest snapshot. */
  readonly from?: string | undefined
  /** Numbers that may be missing or name two decisions. */
  readonly accepted: readonly NumberRange[]
  /** How long labels wait for their transaction, in milliseconds. */
  readonly waitingLifeMs: number
  readonly world: Pick<World, 'now' | 'newId'>
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
  readonly memory?: StatesMemory
}

/** What became of a snapshot. */
export interface SnapshotOfShared extends NumberProblems {
  /** Last record in it, inclusive; 0: there is no record, and no snapshot. */
  readonly sequence: number
  /** Last record of the snapshot that it began with, inclusive; undefined: it began at the beginning. */
  readonly snapshot: number | undefined
  /** Snapshots that were passed over, newest first, and why. */
  readonly unusable: StartOfShared['unusable']
  /** Replayed on top. */
  readonly decisions: number
  readonly labels: number
  /** Decisions whose features came out otherwise; above 0 only after numbers that were accepted. */
  readonly differing: number
  /** Records of the logs that are later than a number which no log has yet. */
  readonly left: number
  /** Logs that had no such snapshot, and have it now. */
  readonly written: readonly string[]
  readonly counts: SnapshotManifest['counts']
}

/**
 * Writes one and the same snapshot of a store that servers share beside each of their logs, as of the last
 * record up to which the logs have all: the states of the newest snapshot, or those that the history began
 * with, and on top of them every record after it, in the order of the numbers. Servers go on meanwhile, and
 * the store is not written.
 *
 * What the store says is asked before the logs are read. So a number up to its last one that no log has
 * waited in the store then, and ends the run; or it is in a log that is not named, or lost.
 *
 * @throws SERVING_SNAPSHOT_GAPS for numbers that are missing or name two decisions, SERVING_SNAPSHOT_DIFFERS
 * when the features of a decision come out otherwise: then nothing is written; SERVING_HISTORY_LOST,
 * SERVING_STATES_UNFINISHED, SERVING_STATES_FOREIGN, SERVING_SNAPSHOT_UNUSABLE, SERVING_LOG_INCOMPLETE,
 * SERVING_LOG_FOREIGN, PIPELINE_HISTORY_MISSING, INTERRUPTED
 */
export const snapshotSharedStates = async (options: SnapshotSharedOptions): Promise<SnapshotOfShared> => {
  const { logs, openLog, model, store, workFolder, work } = options
  const histories = await readHistories(logs.map(openLog), logs, await readStoreIdentity(store))
  const { identity } = histories
  assertModel(options, identity)
  const { lastSequence } = await givenBy(options, histories)
  const waiting = (await store.waitingEntries()).map(({ sequence }) => ({ first: sequence, last: sequence }))
  const start = await startOfShared({ ...options, identity })
  const row = new NumbersInARow({ after: start.after, given: lastSequence, waiting, ...options })
  return withLoggedEntries(
    { ...options, folders: logs, after: start.after },
    async ({ entries, modelOf }) => {
      const states = new StatesAgain({ ...options, model, from: start.folder, modelOf, workFolder })
      try {
        const labels = new LabelsAgain(options)
        await beginLabels(labels, start)
        for await (const entry of entries) {
          if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'the snapshot' })
          if (!row.take(entry.sequence)) continue
          await states.take(entry)
          if (entry.kind === 'label') labels.label(entry.sequence, entry.label)
          else if (entry.kind === 'decision') labels.decision(entry.sequence, entry.decision)
          const done = states.decisions + states.labels
          if (done % 1000 === 0)
            work.reportProgress({ activity: 'replaying the logs', done, unit: 'records' })
        }
        assertTrue(options, row.finish(), states, start)
        return await writeAll(options, { start, row, states, labels, identity })
      } finally {
        states.close()
      }
    },
  )
}

/** How far the store's decisions go. @throws SERVING_HISTORY_LOST when the logs know of later ones */
const givenBy = async (
  { store, storeName }: SnapshotSharedOptions,
  { identity, lastSequence }: LoggedHistories,
): Promise<{ readonly lastSequence: number }> => {
  const history = await store.readHistory()
  const known = { name: identity.logName, lastSequence }
  if (history.loss === '' && history.name === known.name && history.lastSequence >= lastSequence)
    return history
  throw new VigiaError(HISTORY_LOST, {
    store: storeName,
    reason: history.loss || lossText(history.name, history.lastSequence, known),
  })
}

/** @throws SERVING_SNAPSHOT_GAPS, SERVING_SNAPSHOT_DIFFERS */
const assertTrue = (
  { accepted, logs }: SnapshotSharedOptions,
  { missing, doubled, open }: ReturnType<NumbersInARow['finish']>,
  { decisions, differing }: StatesAgain,
  { after }: StartOfShared,
): void => {
  const refused = doubled.filter((range) => without(range, accepted).length > 0)
  if (open.length + refused.length > 0)
    throw new VigiaError('SERVING_SNAPSHOT_GAPS', {
      folder: logs.join(', '),
      missing: someRanges(open),
      doubled: someRanges(refused),
      accept: acceptText([...open, ...refused]),
    })
  // A snapshot that was written without accepted numbers: decisions that were made with them differ after it.
  const isTold = missing.length + doubled.length > 0 || accepted.some(({ first }) => first <= after)
  if (differing > 0 && !isTold)
    throw new VigiaError('SERVING_SNAPSHOT_DIFFERS', { folder: logs.join(', '), decisions, differing, after })
}

interface Rolled {
  readonly start: StartOfShared
  readonly row: NumbersInARow
  readonly states: StatesAgain
  readonly labels: LabelsAgain
  readonly identity: StoreIdentity
}

const writeAll = async (
  { logs, world, work: { signal } }: SnapshotSharedOptions,
  { start, row, states, labels, identity }: Rolled,
): Promise<SnapshotOfShared> => {
  const { last: sequence } = row
  const publishing = { id: world.newId(), signal }
  const written: string[] = []
  const isNew = sequence > start.after
  let { snapshot, folder: from } = start
  for (const log of sequence === 0 ? [] : logs) {
    if (await hasWhole(log, sequence)) continue
    if (isNew && written.length === 0) {
      const clockMs = Number.isFinite(labels.clockMs) ? labels.clockMs : null
      const through = { clockThrough: sequence, savedThrough: sequence }
      const says = { sequence, takenAtMs: world.now(), clockMs, ...through, identity }
      snapshot = await publishSnapshot(log, { states, lines: labels.lines(), says }, publishing)
      from = join(snapshotsFolder(log), snapshotName(sequence))
    } else await copySnapshot(from!, snapshot!, log, publishing)
    written.push(log)
  }
  const { decisions, labels: told, differing } = states
  const { missing, doubled, left } = row.finish()
  // Begun with other states than a snapshot, while all logs have this one.
  if (sequence > 0) snapshot ??= await manifestOf(logs[0]!, sequence)
  return {
    sequence,
    snapshot: start.snapshot?.sequence,
    unusable: start.unusable,
    decisions,
    labels: told,
    differing,
    left,
    missing,
    doubled,
    written,
    counts: snapshot?.counts ?? {},
  }
}
