import type { LogEntry } from '../decisions/log/log-record.ts'

/** A record, and whether a log has it. */
export interface MergedEntry {
  readonly entry: LogEntry
  readonly isLogged: boolean
}

/**
 * Records of logs, and those that wait in a store, in the order of their numbers. A record that is in both
 * comes once.
 *
 * @param logged ascending by number, then by transaction
 */
export async function* mergeEntries(
  logged: AsyncIterable<LogEntry>,
  waiting: readonly LogEntry[],
): AsyncGenerator<MergedEntry> {
  const left = [...waiting].sort(compareEntries)
  let next = 0
  for await (const entry of logged) {
    for (; next < left.length && compareEntries(left[next]!, entry) <= 0; next++)
      if (compareEntries(left[next]!, entry) < 0) yield { entry: left[next]!, isLogged: false }
    yield { entry, isLogged: true }
  }
  for (; next < left.length; next++) yield { entry: left[next]!, isLogged: false }
}

/** By number, then by transaction: as archives are sorted. */
const compareEntries = (a: LogEntry, b: LogEntry): number => {
  if (a.sequence !== b.sequence) return a.sequence - b.sequence
  const [first, second] = [transactionOf(a), transactionOf(b)]
  if (first === second) return 0
  return first < second ? -1 : 1
}

const transactionOf = (entry: LogEntry): string => {
  if (entry.kind === 'decision') return entry.decision.transaction.transactionId
  return entry.kind === 'label' ? entry.label.transactionId : ''
}
