import type { Journal } from '../ports/journal.ts'
import { type BookChanges as Changes, type Journaled, openJournaled } from '../ports/journaled.ts'
import { type AlertBook, type AlertEntry, EMPTY_BOOK, wholeBook, withEntries } from './alert-book.ts'
import type { HistoryLine } from './trim-book.ts'

/** Changes the book of alerts. */
export type BookChanges = Changes<AlertEntry, AlertBook>

/** Entries after which a journal is written anew as one. */
const LONGEST_JOURNAL = 1000

/**
 * The book of alerts of a journal that others write too.
 *
 * @param trim what of a book is carried over when the journal is written anew; the rest becomes history
 */
export const openJournaledBook = (
  journal: Journal<AlertEntry>,
  trim: (book: AlertBook) => { readonly kept: AlertBook; readonly history: readonly HistoryLine[] },
): Journaled<AlertEntry, AlertBook> =>
  openJournaled(journal, {
    empty: EMPTY_BOOK,
    add: withEntries,
    shorten: (book) => {
      if (book.entries < LONGEST_JOURNAL) return undefined
      const { kept, history } = trim(book)
      return { entry: wholeBook(kept), book: { ...kept, entries: 1 }, history }
    },
  })
