import { openFileJournal } from '../adapters/journal/file-journal.ts'
import type { RetrainingSettings } from '../config/sections/retraining.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import type { World } from '../foundation/world.ts'
import { type Journaled, openJournaled } from '../ports/journaled.ts'
import {
  EMPTY_RETRAINING,
  type RetrainingBook,
  type RetrainingEntry,
  withRetraining,
} from '../retraining/retraining-book.ts'

/** What the journal of retraining needs of the process. */
export interface RetrainingJournalParts {
  readonly world: Pick<World, 'now'>
  readonly owner: FolderOwner
}

/**
 * What is known of retraining, in the folder of the settings. Its journal is never shortened: it is the
 * audit.
 */
export const retrainingOpener =
  ({ world, owner }: RetrainingJournalParts) =>
  ({ path }: Pick<RetrainingSettings, 'path'>): Journaled<RetrainingEntry, RetrainingBook> =>
    openJournaled<RetrainingEntry, RetrainingBook>(
      openFileJournal<RetrainingEntry>({
        folder: path,
        owner,
        now: world.now,
        failure: 'RETRAINING_JOURNAL_FAILED',
      }),
      { empty: EMPTY_RETRAINING, add: withRetraining },
    )
