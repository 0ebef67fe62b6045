import { acceptText, type NumberRange, someRanges } from '../decisions/log/number-ranges.ts'
import { readLoggedHistory } from '../decisions/shared/known-history.ts'
import type { StoreIdentity } from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { LogReader } from '../ports/prediction-log.ts'

/** What is wrong with the numbers of all logs together. */
export interface NumberProblems {
  /** Numbers that no log has a decision or label of. */
  readonly missing: readonly NumberRange[]
  /** Numbers that name two decisions. */
  readonly doubled: readonly NumberRange[]
}

/** Whose decisions the logs have, and how far they went as far as anybody knows. */
export interface LoggedHistories {
  readonly identity: StoreIdentity
  /** Highest number that any of the logs knows to have been given, inclusive. */
  readonly lastSequence: number
}

/**
 * What logs say of the store that they came from.
 *
 * @param present the identity that the store still has; for logs from before they said so
 * @throws SERVING_LOG_INCOMPLETE when nobody says it; SERVING_LOG_FOREIGN when they say different things
 */
export const readHistories = async (
  logs: readonly LogReader[],
  folders: readonly string[],
  present: StoreIdentity | undefined,
): Promise<LoggedHistories> => {
  let identity: StoreIdentity | undefined
  let lastSequence = 0
  for (const [i, log] of logs.entries()) {
    const known = await readLoggedHistory(log)
    if (known === undefined) continue
    if (identity !== undefined && identity.logName !== known.identity.logName)
      throw new VigiaError('SERVING_LOG_FOREIGN', {
        store: folders[0]!,
        name: identity.logName,
        other: `${known.identity.logName} (${folders[i]})`,
        lastSequence: known.lastSequence,
      })
    identity = known.identity
    lastSequence = Math.max(lastSequence, known.lastSequence)
  }
  identity ??= present
  if (identity !== undefined) return { identity, lastSequence }
  throw new VigiaError('SERVING_LOG_INCOMPLETE', {
    folder: folders.join(', '),
    reason:
      'nothing in it says of which store it is (documents/history.json), and the store does not say so either',
  })
}

/** Counts numbers as they come, ascending, and finds those that are missing or come for two records. */
export class NumberCheck {
  private readonly missing: NumberRange[] = []
  private readonly doubled: NumberRange[] = []
  private last: number
  private seen = 0

  /** @param after numbers up to this one, inclusive, are missed by nobody */
  constructor(after = 0) {
    this.last = after
  }

  /** Highest number that came, inclusive. */
  get lastSequence(): number {
    return this.last
  }

  /** Takes the number of the next record. */
  take(sequence: number): void {
    if (sequence === this.seen) appendNumbers(this.doubled, sequence, sequence)
    else if (sequence > this.last + 1) appendNumbers(this.missing, this.last + 1, sequence - 1)
    this.seen = sequence
    this.last = Math.max(this.last, sequence)
  }

  /** @param known highest number that was given, inclusive */
  finish(known: number): NumberProblems {
    if (known > this.last) appendNumbers(this.missing, this.last + 1, known)
    return { missing: this.missing, doubled: this.doubled }
  }
}

/** Adds numbers to ranges that end before them. */
export const appendNumbers = (ranges: NumberRange[], first: number, last: number): void => {
  const before = ranges.at(-1)
  if (before !== undefined && first <= before.last + 1) ranges[ranges.length - 1] = { ...before, last }
  else ranges.push({ first, last })
}

/** What of a range is in none of others. */
export const without = ({ first, last }: NumberRange, others: readonly NumberRange[]): NumberRange[] => {
  const left: NumberRange[] = []
  let next = first
  for (const other of [...others].sort((a, b) => a.first - b.first)) {
    if (other.first > last) break
    if (other.first > next) left.push({ first: next, last: other.first - 1 })
    next = Math.max(next, other.last + 1)
  }
  if (next <= last) left.push({ first: next, last })
  return left
}

/**
 * Refuses numbers that are missing or doubled, unless all of them are accepted.
 *
 * @throws SERVING_RESTORE_GAPS
 */
export const assertAccepted = (
  { missing, doubled }: NumberProblems,
  accepted: readonly NumberRange[],
  folders: readonly string[],
): void => {
  const open = [...missing, ...doubled].filter((range) => without(range, accepted).length > 0)
  if (open.length === 0) return
  throw new VigiaError('SERVING_RESTORE_GAPS', {
    folder: folders.join(', '),
    missing: someRanges(missing),
    doubled: someRanges(doubled),
    accept: acceptText([...missing, ...doubled]),
  })
}
