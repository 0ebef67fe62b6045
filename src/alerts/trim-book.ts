import type { AlertBook, AuditRecord, DeadLetter } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'

/** A line of the history beside the journal: what the journal no longer holds. */
export type HistoryLine = { readonly audit: AuditRecord } | { readonly dead: DeadLetter }

/** A book without what is older than `keep` says, and the lines that take it over, the oldest first. */
export const trimBook = (
  book: AlertBook,
  { keep, nowMs }: Pick<AlertContext, 'keep' | 'nowMs'>,
): { readonly kept: AlertBook; readonly history: readonly HistoryLine[] } => {
  if (keep === undefined) return { kept: book, history: [] }
  const isOldRecord = ({ atMs }: AuditRecord): boolean => atMs < nowMs - keep.historyMs
  const isOldLetter = ({ atMs }: DeadLetter): boolean => atMs < nowMs - keep.deadLettersMs
  const oldLetters = [...book.dead.values()].filter(isOldLetter)
  const history: HistoryLine[] = [
    ...book.audit.filter(isOldRecord).map((audit) => ({ audit })),
    ...oldLetters.map((dead) => ({ dead })),
  ]
  const kept: AlertBook = {
    ...book,
    audit: book.audit.filter((record) => !isOldRecord(record)),
    dead: new Map([...book.dead].filter(([, letter]) => !isOldLetter(letter))),
    // Who planned and cancelled them stands in the history.
    planned: new Map([...book.planned].filter(([, { untilMs }]) => nowMs < untilMs)),
  }
  return { kept, history }
}
