import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import { listSnapshots, usable, verifySnapshot } from '../decisions/log/state-snapshots.ts'
import type { KeepingStatus, LogKeeper } from '../decisions/log-keeper.ts'
import type { DecidingStates } from '../decisions/open-pipeline.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { type RemovedDays, removeOldDays } from './remove-old-days.ts'
import { type TakeSnapshotParts, takeSnapshot } from './take-snapshot.ts'
import { thinSnapshots } from './thin-snapshots.ts'

/** What settings say of snapshots and of what the log keeps. */
export interface KeepingSettings {
  /** Between snapshots, milliseconds; 0: none are taken. */
  readonly snapshotEveryMs: number
  /** Most snapshots after the one that the log begins with. */
  readonly snapshotsKept: number
  /** How long days of the log stay, milliseconds; Infinity: for ever. */
  readonly keepMs: number
}

export interface LogKeepingParts extends Pick<TakeSnapshotParts, 'folder' | 'observer'> {
  /** What decides at the moment, and the states that it decides with. */
  readonly current: () => DecidingStates
  readonly log: PredictionLog
  readonly settings: KeepingSettings
  readonly now: () => number
}

/** Pause after a failure, in milliseconds. */
const RETRY_MS = 60_000

/**
 * Snapshots of the states beside the log, and the end of its old days.
 *
 * It owns when a snapshot is due, which stay, and where the log begins. It does not own how states are read
 * (`rollStates`), nor the archive: whoever calls `run` has written all that is old to it.
 */
export class LogKeeping implements LogKeeper {
  private readonly parts: LogKeepingParts
  private firstSequence = 1
  private snapshots = 0
  private lastSnapshotAtMs: number | undefined
  /** When nothing was found to take. */
  private lookedAtMs: number | undefined
  private removedRecords = 0
  private isClosed = false
  /** After a failure: not before this time. */
  private againAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: LogKeepingParts) {
    this.parts = parts
  }

  /** Looks at what there is. */
  async open(): Promise<void> {
    await this.look()
  }

  /** Whether a snapshot should be taken by now: the first one some time after the states were made. */
  get isDue(): boolean {
    const { settings, now, current } = this.parts
    const nowMs = now()
    if (settings.snapshotEveryMs === 0 || nowMs < this.againAtMs) return false
    // A clock that was set back does not end them.
    return (
      Math.abs(nowMs - (this.lastSnapshotAtMs ?? this.lookedAtMs ?? current().identity.createdAtMs)) >=
      settings.snapshotEveryMs
    )
  }

  status(): KeepingStatus {
    const { firstSequence, snapshots, lastSnapshotAtMs, removedRecords } = this
    return { firstSequence, snapshots, lastSnapshotAtMs, removedRecords }
  }

  /**
   * Takes a snapshot where one is due, then removes what is too old. One call at a time. Failures are warned
   * of, and the next call after a while tries again.
   *
   * @returns whether files of the archive were removed
   */
  async run(): Promise<boolean> {
    if (this.isClosed) return false
    try {
      if (this.isDue) await this.take()
      const removed = this.isClosed ? undefined : await this.removeOld()
      this.removedRecords += removed?.records ?? 0
      await thinSnapshots(this.parts.folder, this.parts.log, this.parts.settings.snapshotsKept)
      await this.look()
      return (removed?.files ?? 0) > 0
    } catch (error) {
      this.againAtMs = this.parts.now() + RETRY_MS
      const reason = error instanceof Error ? error.message : String(error)
      this.parts.observer.warned('SERVING_KEEPING_FAILED', { folder: this.parts.folder, reason })
      return false
    }
  }

  /** Ends what is under way soon; the caller waits for it. */
  close(): void {
    this.isClosed = true
  }

  private async take(): Promise<void> {
    const { now, current, log, folder, observer } = this.parts
    const nowMs = now()
    const isOver = () => this.isClosed
    const { store, branched, ...states } = current()
    if (store === undefined) return
    await branched?.takeSnapshots(isOver)
    const taken = await takeSnapshot({ ...states, store, log, folder, observer, nowMs, isOver })
    // Nothing new: the one that there is counts as of now.
    if (taken !== undefined) return
    this.lookedAtMs = nowMs
    if (this.snapshots > 0) this.lastSnapshotAtMs = nowMs
  }

  private async removeOld(): Promise<RemovedDays | undefined> {
    const { folder, log, settings, now, current } = this.parts
    if (settings.keepMs === Number.POSITIVE_INFINITY) return undefined
    const found = usable(await listSnapshots(folder))
    return removeOldDays({
      folder,
      log,
      snapshots: found.map(({ manifest }) => manifest.sequence),
      isWhole: async (sequence) => {
        const snapshot = found.find(({ manifest }) => manifest.sequence === sequence)
        if (snapshot === undefined || (await verifySnapshot(snapshot)) !== undefined) return false
        return (await current().branched?.mayBeginAfter(sequence)) ?? true
      },
      beforeMs: now() - settings.keepMs,
    })
  }

  private async look(): Promise<void> {
    const { folder, log } = this.parts
    const found = usable(await listSnapshots(folder))
    this.firstSequence = (await readLogBeginning(log)).first
    this.snapshots = found.length
    const last = found.at(-1)?.manifest.takenAtMs
    this.lastSnapshotAtMs =
      last === undefined ? this.lastSnapshotAtMs : Math.max(last, this.lastSnapshotAtMs ?? last)
  }
}
