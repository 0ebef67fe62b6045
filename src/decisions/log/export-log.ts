import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { VigiaError } from '../../errors.ts'
import type { AmountRules } from '../../transaction/amount-rules.ts'
import { writeRequest } from '../../transaction/write-request.ts'
import { isTold } from '../label-origin.ts'
import { createDecisionMarks, type SampleOfLog } from './decision-marks.ts'
import { findGaps, gapsText, readHeld } from './log-gaps.ts'
import { type LoggedEntriesOptions, logIncomplete, withLoggedEntries } from './logged-entries.ts'
import { rangesText } from './number-ranges.ts'

export interface ExportLogOptions extends LoggedEntriesOptions {
  /** By which amounts were read. */
  readonly amounts: AmountRules
  /** JSON lines to write: every transaction in the order of its decision, attributes beside fields. */
  readonly transactions: string
  /** JSON lines to write: transaction_id, is_fraud (1, 0, or null where it was taken back), known_at. */
  readonly labels: string
  /**
   * JSON lines to write of decisions that were flagged or drawn: transaction_id, decision (flag, let_through,
   * review), propensity, told_by (who told the latest label; null: nobody knows one). Left out: they are
   * counted alone.
   */
  readonly marks?: string
}

/** What was exported. */
export interface ExportedLog {
  readonly transactions: number
  readonly labels: number
  /** Names of the fields and attributes that some transaction has, in alphabetical order. */
  readonly names: readonly string[]
  readonly sample: SampleOfLog
}

/**
 * Writes what logs have as a source that training reads: transactions as requests have them, and all that was
 * told of their labels.
 *
 * A label is known since the millisecond after the latest event time before it in the log: training delivers
 * it where the service learnt it. Labels that a service gives by itself (`labels.unlabelled`) are left out,
 * as training gives them too, and so are those of transactions that no log has.
 *
 * @throws SERVING_LOG_GAPS for a log with a hole; SERVING_LOG_INCOMPLETE for logs of servers that did not
 * share their states, and where a log of servers that did is not named
 */
export const exportLog = async (options: ExportLogOptions): Promise<ExportedLog> => {
  for (const folder of options.folders) await assertNoHole(folder, options)
  return withLoggedEntries(options, async ({ entries }) => {
    const transactions = lineWriter(options.transactions)
    const labels = lineWriter(options.labels)
    const marks = createDecisionMarks()
    const names = new Set<string>()
    const seen = new Set<string>()
    let latestMs = Number.NEGATIVE_INFINITY
    let labelled = 0
    let lastSequence = 0
    let doubled = 0
    const count = createHoleCount()
    try {
      for await (const entry of entries) {
        count.take(entry.sequence)
        if (entry.kind === 'decision') {
          const { transaction } = entry.decision
          if (entry.sequence === lastSequence && !seen.has(transaction.transactionId)) doubled++
          lastSequence = entry.sequence
          if (seen.has(transaction.transactionId)) continue
          seen.add(transaction.transactionId)
          marks.decide(entry.decision)
          latestMs = Math.max(latestMs, transaction.eventTimeMs)
          const { attributes, ...fields } = writeRequest(transaction, options.amounts)
          const row = { ...attributes, ...fields }
          for (const name of Object.keys(row)) names.add(name)
          await transactions.write(row)
        } else if (entry.kind === 'label') {
          const { transactionId, isFraud, origin, isWaiting } = entry.label
          if (isWaiting === true || origin === 'delay' || !seen.has(transactionId)) continue
          labelled++
          if (isTold(entry.label)) marks.label(entry.label)
          const label = isFraud === null ? null : Number(isFraud)
          await labels.write({ transaction_id: transactionId, is_fraud: label, known_at: latestMs + 1 })
        }
      }
      if (doubled > seen.size * LARGEST_DOUBLED_SHARE)
        throw logIncomplete(
          options.folders,
          `${doubled} numbers name different decisions: these servers did not share their states`,
        )
      count.assertFew(options.folders)
      await transactions.end()
      await labels.end()
      if (options.marks !== undefined) await writeMarks(options.marks, marks.lines())
      return { transactions: seen.size, labels: labelled, names: [...names].sort(), sample: marks.counts() }
    } finally {
      transactions.destroy()
      labels.destroy()
    }
  })
}

const writeMarks = async (path: string, lines: Iterable<object>): Promise<void> => {
  const marks = lineWriter(path)
  try {
    for (const line of lines) await marks.write(line)
    await marks.end()
  } finally {
    marks.destroy()
  }
}

/** A Redis that lost its last second has given some numbers twice. */
const LARGEST_DOUBLED_SHARE = 0.01

/**
 * Places in which records lack that a store has lost, or were accepted as lost, are few; where a log of one
 * of several servers is not named, there are as many as it has records between those of others.
 */
const MOST_HOLES = 10
const LARGEST_SHARE_OF_HOLES = 0.01

const createHoleCount = () => {
  let first = 0
  let last = 0
  let records = 0
  let holes = 0
  let missing = 0
  return {
    take: (sequence: number): void => {
      if (records++ === 0) first = sequence
      else if (sequence > last + 1) {
        holes++
        missing += sequence - last - 1
      }
      last = sequence
    },
    /** @throws SERVING_LOG_INCOMPLETE */
    assertFew: (folders: readonly string[]): void => {
      if (holes > Math.max(MOST_HOLES, records * LARGEST_SHARE_OF_HOLES))
        throw logIncomplete(
          folders,
          `no log has ${missing} of the numbers from ${first} to ${last}, in ${holes} places: the log of another server that shared the states is not named`,
        )
    },
  }
}

/** A training over a hole would have wrong features in silence. */
const assertNoHole = async (folder: string, { openLog, work }: ExportLogOptions): Promise<void> => {
  const { first, held } = await readHeld({ log: openLog(folder), folder, database: work.database })
  const last = held.reduce((highest, range) => Math.max(highest, range.last), 0)
  const gaps = findGaps(held, first, last)
  if (gaps.length > 0)
    throw new VigiaError('SERVING_LOG_GAPS', { folder, what: gapsText(gaps), numbers: rangesText(gaps) })
}

const lineWriter = (path: string) => {
  const stream = createWriteStream(path)
  const ended = finished(stream)
  ended.catch(() => undefined)
  return {
    write: async (row: object): Promise<void> => {
      if (!stream.write(`${JSON.stringify(row)}\n`))
        await Promise.race([new Promise<void>((resolve) => stream.once('drain', () => resolve())), ended])
    },
    end: (): Promise<void> => {
      stream.end()
      return ended
    },
    destroy: (): void => {
      stream.destroy()
    },
  }
}
