import type { AlertJournal } from '../ports/alert-journal.ts'
import { type AlertBook, type AlertEntry, EMPTY_BOOK, wholeBook, withEntries } from './alert-book.ts'
import type { HistoryLine } from './trim-book.ts'

/** What a change of the book comes to. Without an entry nothing is written. */
export type BookChange<Result> = (book: AlertBook) => {
  readonly entry?: AlertEntry | undefined
  readonly result: Result
}

/** Entries after which a journal is written anew as one. */
const LONGEST_JOURNAL = 1000

/** A book that others write too. */
export interface JournaledBook {
  /** Sees all that stands in the journal; what it makes is on the disk when its result is known. */
  change<Result>(change: BookChange<Result>): Promise<Result>
  /** As the last change left it, without a look at the journal. */
  latest(): AlertBook
}

/**
 * The book of a journal.
 *
 * @param trim what of a book is carried over when the journal is written anew; the rest becomes history
 */
export const openJournaledBook = (
  journal: AlertJournal<AlertEntry>,
  trim: (book: AlertBook) => { readonly kept: AlertBook; readonly history: readonly HistoryLine[] },
): JournaledBook => {
  let known = EMPTY_BOOK
  // One after the other, so that what is known follows the journal: it must not be known before it is
  // written.
  let last: Promise<unknown> = Promise.resolve()
  return {
    latest: () => known,
    change: <Result>(change: BookChange<Result>): Promise<Result> => {
      const mine = last.then(async () => {
        let next = known
        const result = await journal.transact<Result>((unseen, isAnew) => {
          const current = withEntries(isAnew ? EMPTY_BOOK : known, unseen)
          next = current
          const { entry, result } = change(current)
          if (entry === undefined) return { result }
          next = withEntries(current, [entry])
          if (next.entries < LONGEST_JOURNAL) return { append: entry, result }
          const { kept, history } = trim(next)
          next = { ...kept, entries: 1 }
          return { replace: wholeBook(kept), history, result }
        })
        known = next
        return result
      })
      last = mine.catch(() => undefined)
      return mine
    },
  }
}
