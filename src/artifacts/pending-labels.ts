import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withOneNaN } from '../foundation/one-nan.ts'
import { PENDING_FILE } from './state-snapshot.ts'

/** What is known of a label when it is delivered, row after row. */
export const LABEL_FIELDS = [
  'transactionToken',
  'eventTimeMs',
  /** 1, 0, or -1 for a label that was taken back; and what was known before (`knownWord`). */
  'isFraud',
  'merchantToken',
  'deviceToken',
  /** In a batch: it is delivered before this row. In a snapshot: when it is due, epoch milliseconds. */
  'beforeRow',
] as const
/** Words of a label; a token for each entity of the bank's own follows them. */
export const LABEL_WIDTH = LABEL_FIELDS.length
export const LABEL = {
  transactionToken: 0,
  eventTimeMs: 1,
  isFraud: 2,
  merchantToken: 3,
  deviceToken: 4,
  beforeRow: 5,
} as const satisfies Readonly<Record<(typeof LABEL_FIELDS)[number], number>>

/** What a label's word has more where states were told before that the transaction is fraud, or is not. */
export const knownWord = (wasFraud: boolean): number => (wasFraud ? 20 : 10)

/** The label in a word: what it says, and what states were told before (undefined: nothing). */
export const labelInWord = (word: number): Pick<PendingLabel, 'isFraud' | 'known'> => {
  const known = word < 5 ? undefined : word > 15
  const said = known === undefined ? word : word - knownWord(known)
  return { isFraud: said < 0 ? null : said === 1, known }
}

/** A label that was not due when a replay ended. */
export interface PendingLabel {
  readonly transactionToken: number
  readonly eventTimeMs: number
  /** Null: one that was taken back. */
  readonly isFraud: boolean | null
  /** What states were told before; absent: nothing. */
  readonly known?: boolean | undefined
  /** When it is due by the clock of the transactions, epoch milliseconds. */
  readonly dueMs: number
  /** Tokens of the entities that learn it, by name; without those that its transaction did not name. */
  readonly tokens: Readonly<Record<string, number>>
}

/** Where a replay ended, as its snapshot says. */
export interface PendingLabels {
  /** Latest event time, epoch milliseconds; -Infinity without a transaction. */
  readonly clockMs: number
  /** In the order in which they are due. */
  readonly labels: Iterable<PendingLabel>
}

/** Labels that are read at a time. */
const READ_AT_ONCE = 4096

/**
 * The clock and the labels in the snapshot of `folder`.
 *
 * @param entities names of the entities of the bank's own, in the order of the model's settings
 */
export const readPendingLabels = (folder: string, entities: readonly string[]): PendingLabels => {
  const path = join(folder, PENDING_FILE)
  const [clockMs = Number.NEGATIVE_INFINITY] = readWords(path, 0, 1)
  return { clockMs, labels: readLabels(path, entities) }
}

/**
 * Writes the snapshot's clock and labels of folder `from` to folder `to`, without labels of the transactions
 * in `told`.
 *
 * @param entities how many entities of the bank's own there are
 * @param lastEventTimeMs latest event time by now; the clock is not before it
 */
export const copyPendingLabels = (
  from: string,
  to: string,
  entities: number,
  told: ReadonlySet<number>,
  lastEventTimeMs: number | null,
): void => {
  const words = new Float64Array(new Uint8Array(readFileSync(join(from, PENDING_FILE))).buffer)
  const width = LABEL_WIDTH + entities
  words[0] = Math.max(words[0] ?? Number.NEGATIVE_INFINITY, lastEventTimeMs ?? Number.NEGATIVE_INFINITY)
  let kept = 1
  for (let at = 1; at < words.length; at += width) {
    if (told.has(words[at + LABEL.transactionToken]!)) continue
    words.copyWithin(kept, at, at + width)
    kept += width
  }
  writeFileSync(join(to, PENDING_FILE), new Uint8Array(withOneNaN(words).buffer, 0, kept * 8))
}

function* readLabels(path: string, entities: readonly string[]): Generator<PendingLabel> {
  const width = LABEL_WIDTH + entities.length
  for (let row = 0; ; row += READ_AT_ONCE) {
    const words = readWords(path, 1 + row * width, READ_AT_ONCE * width)
    for (let at = 0; at < words.length; at += width) yield labelAt(words, at, entities)
    if (words.length < READ_AT_ONCE * width) return
  }
}

const labelAt = (words: Float64Array, at: number, entities: readonly string[]): PendingLabel => {
  const tokens = [
    ['merchant', words[at + LABEL.merchantToken]!] as const,
    ['device', words[at + LABEL.deviceToken]!] as const,
    ...entities.map((name, own) => [name, words[at + LABEL_WIDTH + own]!] as const),
  ]
  return {
    transactionToken: words[at + LABEL.transactionToken]!,
    eventTimeMs: words[at + LABEL.eventTimeMs]!,
    ...labelInWord(words[at + LABEL.isFraud]!),
    dueMs: words[at + LABEL.beforeRow]!,
    tokens: Object.fromEntries(tokens.filter(([, token]) => token !== 0)),
  }
}

/** Up to `count` doubles of a file from the one at `from` on. */
const readWords = (path: string, from: number, count: number): Float64Array => {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(count * Float64Array.BYTES_PER_ELEMENT)
    let read = 0
    while (read < bytes.length) {
      const got = readSync(file, bytes, read, bytes.length - read, from * 8 + read)
      if (got === 0) break
      read += got
    }
    return new Float64Array(bytes.buffer, 0, Math.floor(read / 8))
  } finally {
    closeSync(file)
  }
}
