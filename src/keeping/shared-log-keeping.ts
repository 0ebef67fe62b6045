import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CatalogEntry } from '../decisions/log/archive-catalog.ts'
import { goneThrough, readLogBeginning } from '../decisions/log/log-beginning.ts'
import { listSnapshots, snapshotsFolder, usable, verifySnapshot } from '../decisions/log/state-snapshots.ts'
import type { KeepingStatus, LogKeeper } from '../decisions/log-keeper.ts'
import { type DatabaseSettings, sqlLiteral, withDatabase } from '../disk/database.ts'
import { formatDuration } from '../foundation/duration.ts'
import type { LogKeepingParts } from './log-keeping.ts'
import { type RemovedDays, removeOldDays } from './remove-old-days.ts'
import { thinSnapshots } from './thin-snapshots.ts'

export interface SharedLogKeepingParts extends LogKeepingParts {
  /** Reads the archive. */
  readonly database: DatabaseSettings
}

/** Pause after a failure, in milliseconds. */
const RETRY_MS = 60_000
/** Most time from the start to the first look, in milliseconds. */
const FIRST_LOOK_MS = 3_600_000
/** A snapshot is missed after so many intervals. */
const MISSED = 2

/**
 * The end of old days of one of several servers that share their states, and the snapshots beside its log.
 *
 * It takes none: a command makes them from the logs of all servers, and puts one and the same beside each. It
 * owns where this log begins, and which snapshots stay here. Another log may begin elsewhere: a replay of all
 * begins with a snapshot that is not before any of the beginnings, and the latest of these stands beside its
 * log.
 */
export class SharedLogKeeping implements LogKeeper {
  private readonly parts: SharedLogKeepingParts
  private gone = 0
  private snapshots = 0
  private lastSnapshotAtMs: number | undefined
  private lookedAtMs: number | undefined
  private warnedAtMs: number | undefined
  private removedRecords = 0
  private isClosed = false
  /** After a failure: not before this time. */
  private againAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: SharedLogKeepingParts) {
    this.parts = parts
  }

  /** Looks at what there is. */
  async open(): Promise<void> {
    const all = snapshotsFolder(this.parts.folder)
    // Of a process that was killed.
    for (const name of await readdir(all).catch(() => []))
      if (name.startsWith('.leaving-')) await rm(join(all, name), { recursive: true, force: true })
    await this.look()
    // A server that is started anew every day looks too.
    this.lookedAtMs! -= Math.max(0, this.parts.settings.snapshotEveryMs - FIRST_LOOK_MS)
  }

  /**
   * Whether what is old should be looked for by now: once in the interval of snapshots, where days go or
   * snapshots come.
   */
  get isDue(): boolean {
    const { settings, now } = this.parts
    const { snapshotEveryMs, keepMs } = settings
    const nowMs = now()
    if (snapshotEveryMs === 0 || nowMs < this.againAtMs) return false
    if (keepMs === Number.POSITIVE_INFINITY && this.snapshots === 0) return false
    // A clock that was set back does not end it.
    return Math.abs(nowMs - this.lookedAtMs!) >= snapshotEveryMs
  }

  status(): KeepingStatus {
    const { gone, snapshots, lastSnapshotAtMs, removedRecords } = this
    return { firstSequence: gone + 1, snapshots, lastSnapshotAtMs, removedRecords }
  }

  async run(): Promise<boolean> {
    if (this.isClosed) return false
    const { folder, log, settings, observer, now } = this.parts
    try {
      const removed = await this.removeOld()
      this.removedRecords += removed?.records ?? 0
      await thinSnapshots(folder, log, settings.snapshotsKept)
      await this.look()
      this.warnWhereMissed()
      return (removed?.files ?? 0) > 0
    } catch (error) {
      this.againAtMs = now() + RETRY_MS
      const reason = error instanceof Error ? error.message : String(error)
      observer.warned('SERVING_KEEPING_FAILED', { folder, reason })
      return false
    }
  }

  close(): void {
    this.isClosed = true
  }

  private async removeOld(): Promise<RemovedDays | undefined> {
    const { folder, log, settings, now, database } = this.parts
    if (settings.keepMs === Number.POSITIVE_INFINITY) return undefined
    const beforeMs = now() - settings.keepMs
    // What is in them was decided before they were taken.
    const old = usable(await listSnapshots(folder)).filter(({ manifest }) => manifest.takenAtMs <= beforeMs)
    if (old.length === 0) return undefined
    return withDatabase(database, (connection) =>
      removeOldDays({
        folder,
        log,
        snapshots: old.map(({ manifest }) => manifest.sequence),
        isWhole: async (sequence) => {
          const snapshot = old.find(({ manifest }) => manifest.sequence === sequence)!
          return (await verifySnapshot(snapshot)) === undefined
        },
        beforeMs,
        lastOf: async ({ files }: CatalogEntry) => {
          const paths = files.map(({ name }) => sqlLiteral(join(folder, name).replaceAll('\\', '/')))
          const query = `SELECT max(sequence) FROM read_parquet([${paths.join(', ')}], union_by_name = true, hive_partitioning = false)`
          return Number((await connection.runAndReadAll(query)).getRows()[0]?.[0] ?? 0)
        },
      }),
    )
  }

  /** Days go only with snapshots, which somebody else takes. */
  private warnWhereMissed(): void {
    const { settings, now, folder, observer, current } = this.parts
    const { snapshotEveryMs, keepMs } = settings
    if (keepMs === Number.POSITIVE_INFINITY) return
    const nowMs = now()
    const since = this.lastSnapshotAtMs ?? current().identity.createdAtMs
    if (nowMs - since <= MISSED * snapshotEveryMs) return
    if (this.warnedAtMs !== undefined && nowMs - this.warnedAtMs < snapshotEveryMs) return
    this.warnedAtMs = nowMs
    observer.warned('SERVING_SNAPSHOT_OVERDUE', {
      folder,
      latest:
        this.lastSnapshotAtMs === undefined ? 'none' : `of ${new Date(this.lastSnapshotAtMs).toISOString()}`,
      every: formatDuration(snapshotEveryMs),
    })
  }

  private async look(): Promise<void> {
    const { folder, log, now } = this.parts
    const found = usable(await listSnapshots(folder))
    this.gone = goneThrough(await readLogBeginning(log))
    this.snapshots = found.length
    this.lastSnapshotAtMs = found.at(-1)?.manifest.takenAtMs
    this.lookedAtMs = now()
  }
}
