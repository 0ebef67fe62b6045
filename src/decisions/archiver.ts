import { rm } from 'node:fs/promises'
import type { DatabaseSettings } from '../disk/database.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { DecisionWatch } from './decision-watch.ts'
import type { Decisions } from './decisions.ts'
import type { InferenceObserver, SavedLogs } from './inference-pipeline.ts'
import { appendCatalog } from './log/archive-catalog.ts'
import { startArchiveThread } from './log/archive-thread.ts'
import type { ArchivedSegment } from './log/prediction-archive.ts'
import { shadowsPath } from './log/shadow-answers.ts'
import type { KeepingStatus, LogKeeper } from './log-keeper.ts'
import type { ModelDocuments } from './model-documents.ts'

export interface ArchiverParts {
  readonly decisions: Pick<Decisions, 'archivable'>
  readonly log: PredictionLog
  /** Folder of the dated Parquet files, and the database that writes them. */
  readonly archive: { readonly folder: string; readonly database: DatabaseSettings }
  readonly documents: ModelDocuments
  /** Bytes of the log when it was opened. */
  readonly logBytes: number
  /** Bytes from which on the log is archived by itself. */
  readonly archiveAfterBytes: number
  /** Told when the archive has other files than before, and before the log loses what is in them. */
  readonly onArchived: () => void
  /** Done after each archiving, and when it is due; undefined where many share the states. */
  readonly keeping: LogKeeper | undefined
  /** Saves its account before the log loses anything; undefined: nobody keeps one. */
  readonly watch: Pick<DecisionWatch, 'save'> | undefined
  readonly observer: InferenceObserver
}

/** How often the size of the log is looked at, and what is due, in milliseconds. */
const SIZE_MS = 5000
/** A minute, after segments had to stay because something beside them cannot be read. */
const LOOKS_AFTER_UNREAD = 12

/** Of a log of many servers. */
const NOTHING_KEPT: KeepingStatus = {
  firstSequence: 1,
  snapshots: 0,
  lastSnapshotAtMs: undefined,
  removedRecords: 0,
}

/**
 * Turns the log into dated Parquet: when it is asked to, and by itself when the log is large.
 *
 * It owns when segments leave the log: only after they are archived and no longer needed to open. It does not
 * own how they are written (`startArchiveThread`), nor which are needed (`Decisions.archivable`).
 */
export class Archiver {
  private readonly parts: ArchiverParts
  private bytes: number
  private isWatching = false
  /** A log that stays large is not archived at each look. */
  private looksToSkip = 0
  private timer: NodeJS.Timeout | undefined
  private saving: Promise<SavedLogs>

  constructor(parts: ArchiverParts) {
    this.parts = parts
    this.bytes = parts.logBytes
    this.saving = Promise.resolve({ folder: parts.archive.folder, files: [], records: 0 })
  }

  /** Bytes of the log when they were last looked at. */
  get logBytes(): number {
    return this.bytes
  }

  /** What is kept of the log. */
  get kept(): KeepingStatus {
    return this.parts.keeping?.status() ?? NOTHING_KEPT
  }

  /** Watches the size of the log, until `close`. */
  start(): void {
    this.timer = setInterval(() => void this.watchSize(), SIZE_MS)
    this.timer.unref()
  }

  /** Writes everything logged so far to Parquet. One after the other: two would write the same segments. */
  saveLogs(): Promise<SavedLogs> {
    this.saving = this.saving.catch(() => undefined).then(() => this.archiveAndKeep())
    return this.saving
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    this.stop()
    await this.saving.catch(() => undefined)
  }

  /** Watches no more; a snapshot that is being taken is given up. */
  stop(): void {
    this.parts.keeping?.close()
    clearInterval(this.timer)
  }

  private async archiveAndKeep(): Promise<SavedLogs> {
    const { keeping, onArchived } = this.parts
    const saved = await this.archiveLog()
    // Afterwards: nothing that is old is in segments any more.
    if ((await keeping?.run()) === true) onArchived()
    return saved
  }

  private async archiveLog(): Promise<SavedLogs> {
    const { decisions, log, archive, documents, observer, watch } = this.parts
    const segments = await log.rotate()
    await watch?.save()
    // After it: what decisions write down of their records holds for all that stands in these segments.
    const archivable = await decisions.archivable()
    const files: string[] = []
    let records = 0
    let unreadShadows: string | undefined
    if (segments.length > 0) {
      const thread = startArchiveThread({ ...archive, modelOf: documents.modelOf })
      try {
        for (const segment of segments) {
          const archived = await thread.write(segment, log.readSegment(segment))
          files.push(...archived.files)
          records += archived.records
          await this.catalogue(segment, archived)
          this.parts.onArchived()
          unreadShadows ??= archived.unreadShadows
          // What opening may still need to replay stays, and is archived again next time; so does what a
          // shadow may have said more of.
          if (archived.lastSequence > archivable || archived.unreadShadows !== undefined) continue
          await log.remove([segment])
          // They are in the archive by now, as what the segment had is.
          if (archived.shadows !== undefined) await rm(shadowsPath(archive.folder, segment), { force: true })
        }
      } finally {
        await thread.close()
      }
    }
    this.bytes = await log.size()
    this.looksToSkip = unreadShadows === undefined ? 0 : LOOKS_AFTER_UNREAD
    if (unreadShadows !== undefined)
      observer.warned('SERVING_SHADOW_UNREADABLE', { folder: archive.folder, reason: unreadShadows })
    return { folder: archive.folder, files, records }
  }

  /** Before the log loses the segment: an opening looks for every number in one or the other. */
  private async catalogue(segment: string, archived: ArchivedSegment): Promise<void> {
    const { firstSequence: first, lastSequence: last, records, lacks, catalogued: files } = archived
    if (records === 0) return
    const name = segment.replace(/\.[a-z]+$/, '')
    await appendCatalog(this.parts.archive.folder, [
      { segment: name, first, last, records, ...(lacks.length > 0 && { lacks }), files },
    ])
  }

  /** A log that is large enough becomes Parquet by itself. */
  private async watchSize(): Promise<void> {
    if (this.isWatching) return
    if (this.looksToSkip > 0) {
      this.looksToSkip--
      return
    }
    this.isWatching = true
    try {
      this.bytes = await this.parts.log.size()
      if (this.bytes >= this.parts.archiveAfterBytes || this.parts.keeping?.isDue === true)
        await this.saveLogs().catch((error: unknown) => this.warn(error))
    } catch {
      // The size could not be read: it is looked at again soon.
    } finally {
      this.isWatching = false
    }
  }

  private warn(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.parts.observer.warned('SERVING_ARCHIVE_FAILED', { reason })
  }
}
