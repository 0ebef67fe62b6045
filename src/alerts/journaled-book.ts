import type { Journal } from '../ports/journal.ts'
import { openJournaled } from '../ports/journaled.ts'
import { type AlertBook, type AlertEntry, EMPTY_BOOK, wholeBook, withEntries } from './alert-book.ts'

/** Entries after which a journal is written anew as one. */
const LONGEST_JOURNAL = 1000

/** The book of alerts of a journal that others write too. */
export const openJournaledBook = (journal: Journal<AlertEntry>) =>
  openJournaled<AlertEntry, AlertBook>(journal, {
    empty: EMPTY_BOOK,
    add: withEntries,
    shorten: (book) =>
      book.entries < LONGEST_JOURNAL ? undefined : { entry: wholeBook(book), book: { ...book, entries: 1 } },
  })
