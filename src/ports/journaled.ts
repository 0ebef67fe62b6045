import type { Journal } from './journal.ts'

/** How the entries of a journal add up to what is known. */
export interface JournalFold<Entry, Book> {
  /** Before the first entry. */
  readonly empty: Book
  readonly add: (before: Book, entries: readonly Entry[]) => Book
  /** What takes the place of all entries, where there are many by now; undefined: they stay. */
  readonly shorten?: (book: Book) => Shortened<Entry, Book> | undefined
}

/** One entry in place of many. */
export interface Shortened<Entry, Book> {
  readonly entry: Entry
  /** As the entry has it. */
  readonly book: Book
  /** What it leaves out: lines for the journal's history. */
  readonly history?: readonly object[]
}

/** What a change of a book comes to. Without an entry nothing is written. */
export type BookChange<Entry, Book, Result> = (book: Book) => {
  readonly entry?: Entry | undefined
  readonly result: Result
}

/**
 * Changes a book: sees all that stands in its journal, and what it makes is on the disk when its result is
 * known.
 */
export type BookChanges<Entry, Book> = <Result>(change: BookChange<Entry, Book, Result>) => Promise<Result>

/** A book that others write too. */
export interface Journaled<Entry, Book> extends BookChanges<Entry, Book> {
  /** As the last change left it, without a look at the journal. */
  readonly latest: () => Book
}

/** The book of a journal. */
export const openJournaled = <Entry, Book>(
  journal: Journal<Entry>,
  { empty, add, shorten }: JournalFold<Entry, Book>,
): Journaled<Entry, Book> => {
  let known = empty
  // One after the other, so that what is known follows the journal: it must not be known before it is
  // written.
  let last: Promise<unknown> = Promise.resolve()
  const work = <Result>(change: BookChange<Entry, Book, Result>): Promise<Result> => {
    const mine = last.then(async () => {
      let next = known
      const result = await journal.transact<Result>((unseen, isAnew) => {
        const current = add(isAnew ? empty : known, unseen)
        next = current
        const { entry, result } = change(current)
        if (entry === undefined) return { result }
        next = add(current, [entry])
        const shorter = shorten?.(next)
        if (shorter === undefined) return { append: entry, result }
        next = shorter.book
        return { replace: shorter.entry, history: shorter.history ?? [], result }
      })
      known = next
      return result
    })
    last = mine.catch(() => undefined)
    return mine
  }
  return Object.assign(work, { latest: () => known })
}
