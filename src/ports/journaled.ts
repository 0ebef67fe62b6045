import type { Journal } from './journal.ts'

/** How the entries of a journal add up to what is known. */
export interface JournalFold<Entry, Book> {
  /** Before the first entry. */
  readonly empty: Book
  readonly add: (before: Book, entries: readonly Entry[]) => Book
  /** One entry that says the same as all of them, where there are many by now; undefined: they stay. */
  readonly shorten?: (book: Book) => { readonly entry: Entry; readonly book: Book } | undefined
}

/** What a change of a book comes to. Without an entry nothing is written. */
export type BookChange<Entry, Book, Result> = (book: Book) => {
  readonly entry?: Entry | undefined
  readonly result: Result
}

/**
 * The book of a journal that others write too: each change sees all that stands there, and is on the disk
 * when its result is known.
 */
export const openJournaled = <Entry, Book>(
  journal: Journal<Entry>,
  { empty, add, shorten }: JournalFold<Entry, Book>,
): (<Result>(change: BookChange<Entry, Book, Result>) => Promise<Result>) => {
  let known = empty
  // One after the other, so that what is known follows the journal: it must not be known before it is
  // written.
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(change: BookChange<Entry, Book, Result>): Promise<Result> => {
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
        return { replace: shorter.entry, result }
      })
      known = next
      return result
    })
    last = mine.catch(() => undefined)
    return mine
  }
}
