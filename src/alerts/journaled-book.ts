import type { AlertJournal } from '../ports/alert-journal.ts'
import { type AlertBook, type AlertEntry, EMPTY_BOOK, wholeBook, withEntries } from './alert-book.ts'

/** What a change of the book comes to. Without an entry nothing is written. */
export type BookChange<Result> = (book: AlertBook) => {
  readonly entry?: AlertEntry | undefined
  readonly result: Result
}

/** Entries after which a journal is written anew as one. */
const LONGEST_JOURNAL = 1000

/**
 * The book of a journal that others write too: each change sees all that stands there, and is on the disk
 * when its result is known.
 */
export const openJournaledBook = (
  journal: AlertJournal<AlertEntry>,
): (<Result>(change: BookChange<Result>) => Promise<Result>) => {
  let known = EMPTY_BOOK
  // One after the other, so that what is known follows the journal: it must not be known before it is
  // written.
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(change: BookChange<Result>): Promise<Result> => {
    const mine = last.then(async () => {
      let next = known
      const result = await journal.transact<Result>((unseen, isAnew) => {
        const current = withEntries(isAnew ? EMPTY_BOOK : known, unseen)
        next = current
        const { entry, result } = change(current)
        if (entry === undefined) return { result }
        next = withEntries(current, [entry])
        if (next.entries < LONGEST_JOURNAL) return { append: entry, result }
        const replace = wholeBook(next)
        next = { ...next, entries: 1 }
        return { replace, result }
      })
      known = next
      return result
    })
    last = mine.catch(() => undefined)
    return mine
  }
}
