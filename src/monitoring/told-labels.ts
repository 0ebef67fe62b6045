import type { DuckDBConnection } from '@duckdb/node-api'
import { TOLD_ORIGINS, type ToldOrigin } from '../decisions/label-origin.ts'
import { archivedTable } from '../decisions/log/read-archive.ts'
import { tokenOf } from '../transaction/token.ts'

/** What somebody said of a transaction, and when. */
export interface Word {
  readonly knownAtMs: number
  /** Null: what was said before was taken back. */
  readonly isFraud: boolean | null
  /** Who said it; absent: the log does not say, and it follows from the decision. */
  readonly toldBy?: ToldOrigin
}

/** All that was told of the transactions of some logs. */
export interface ToldLabels {
  /** Words, those that were taken back among them. */
  readonly words: number
  /** When the last of them came, epoch milliseconds; -Infinity without one. */
  readonly latestMs: number
  /** In the order in which they came; empty: nobody said anything. */
  wordsOf(transactionToken: number): readonly Word[]
}

/** What is known of a transaction at some time. */
export interface KnownLabel {
  readonly isFraud: boolean
  /** Since when: repeating a word makes it no younger. */
  readonly sinceMs: number
  /** Who was the first to say it, where the log says so. */
  readonly toldBy?: ToldOrigin
}

/**
 * Reads the labels that people told. Those that a server gives by itself (nobody told anything within
 * `labels.delay`) say nothing of the transaction, and those that wait for theirs come again with it.
 *
 * Memory: some 60 bytes a word, whatever the number of decisions.
 */
export const readToldLabels = async (
  connection: DuckDBConnection,
  archives: readonly string[],
): Promise<ToldLabels> => {
  const book = new LabelBook()
  const table = await archivedTable(connection, archives, 'labels', LATER)
  if (table === undefined) return book
  const result = await connection.stream(
    `SELECT sequence, transaction_id, transaction_token, is_fraud, received_at_ms, origin::VARCHAR FROM ${table}
     WHERE (origin IS NULL OR origin::VARCHAR IN (${TOLD_ORIGINS.map((origin) => `'${origin}'`).join(', ')}))
       AND is_waiting IS NULL ORDER BY sequence, transaction_id`,
  )
  let last: readonly unknown[] = []
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return book
    for (const row of chunk.getRows()) {
      const [sequence, id, token, isFraud, receivedAtMs, origin] = row
      // One record that was moved to two logs.
      if (sequence === last[0] && id === last[1]) continue
      last = row
      book.add(
        Number(token ?? tokenOf(String(id))),
        isFraud as boolean | null,
        Number(receivedAtMs),
        origin as ToldOrigin | null,
      )
    }
  }
}

/** Columns that logs of earlier versions lack. */
const LATER = ['transaction_token', 'origin', 'is_waiting']

/** Words of one transaction are a chain of rows, so that no object is kept for each. */
class LabelBook implements ToldLabels {
  words = 0
  latestMs = Number.NEGATIVE_INFINITY
  private readonly last = new Map<number, number>()
  private readonly before: number[] = []
  private readonly verdicts: number[] = []
  private readonly times: number[] = []
  private readonly tellers: number[] = []

  add(token: number, isFraud: boolean | null, knownAtMs: number, toldBy: ToldOrigin | null): void {
    this.before.push(this.last.get(token) ?? -1)
    this.verdicts.push(isFraud === null ? -1 : Number(isFraud))
    this.times.push(knownAtMs)
    this.tellers.push(toldBy === null ? -1 : TOLD_ORIGINS.indexOf(toldBy))
    this.last.set(token, this.words++)
    this.latestMs = Math.max(this.latestMs, knownAtMs)
  }

  wordsOf(token: number): readonly Word[] {
    const words: Word[] = []
    for (let at = this.last.get(token) ?? -1; at >= 0; at = this.before[at]!) {
      const verdict = this.verdicts[at]!
      const toldBy = TOLD_ORIGINS[this.tellers[at]!]
      words.push({
        knownAtMs: this.times[at]!,
        isFraud: verdict < 0 ? null : verdict === 1,
        ...(toldBy !== undefined && { toldBy }),
      })
    }
    return words.reverse()
  }
}

/** What words say at `asOfMs`: the latest that had come by then; undefined: nothing is known. */
export const labelAt = (words: readonly Word[], asOfMs: number): KnownLabel | undefined => {
  let known: KnownLabel | undefined
  for (const word of words) {
    const { knownAtMs, isFraud } = word
    if (knownAtMs > asOfMs || isFraud === known?.isFraud) continue
    known = isFraud === null ? undefined : labelOf(word, isFraud)
  }
  return known
}

const labelOf = ({ knownAtMs, toldBy }: Word, isFraud: boolean): KnownLabel => ({
  isFraud,
  sinceMs: knownAtMs,
  ...(toldBy !== undefined && { toldBy }),
})

/**
 * What was known at `settledMs`, or else the first thing that was known after it: what is said of a day once
 * it has settled is the same whenever one asks.
 */
export const settledLabel = (words: readonly Word[], settledMs: number): KnownLabel | undefined => {
  const known = labelAt(words, settledMs)
  if (known !== undefined) return known
  const first = words.find(({ knownAtMs, isFraud }) => knownAtMs > settledMs && isFraud !== null)
  return first && labelOf(first, first.isFraud!)
}
