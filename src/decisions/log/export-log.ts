import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import type { AmountRules } from '../../transaction/amount-rules.ts'
import { writeRequest } from '../../transaction/write-request.ts'
import { type LoggedEntriesOptions, withLoggedEntries } from './logged-entries.ts'

export interface ExportLogOptions extends LoggedEntriesOptions {
  /** By which amounts were read. */
  readonly amounts: AmountRules
  /** JSON lines to write: every transaction in the order of its decision, attributes beside fields. */
  readonly transactions: string
  /** JSON lines to write: transaction_id, is_fraud (1, 0, or null where it was taken back), known_at. */
  readonly labels: string
}

/** What was exported. */
export interface ExportedLog {
  readonly transactions: number
  readonly labels: number
  /** Names of the fields and attributes that some transaction has, in alphabetical order. */
  readonly names: readonly string[]
}

/**
 * Writes what logs have as a source that training reads: transactions as requests have them, and all that was
 * told of their labels.
 *
 * A label is known since the millisecond after the latest event time before it in the log: training delivers
 * it where the service learnt it. Labels that a service gives by itself (`labels.unlabelled`) are left out,
 * as training gives them too, and so are those of transactions that no log has.
 */
export const exportLog = (options: ExportLogOptions): Promise<ExportedLog> =>
  withLoggedEntries(options, async ({ entries }) => {
    const transactions = lineWriter(options.transactions)
    const labels = lineWriter(options.labels)
    const names = new Set<string>()
    const seen = new Set<string>()
    let latestMs = Number.NEGATIVE_INFINITY
    let labelled = 0
    try {
      for await (const entry of entries) {
        if (entry.kind === 'decision') {
          const { transaction } = entry.decision
          if (seen.has(transaction.transactionId)) continue
          seen.add(transaction.transactionId)
          latestMs = Math.max(latestMs, transaction.eventTimeMs)
          const { attributes, ...fields } = writeRequest(transaction, options.amounts)
          const row = { ...attributes, ...fields }
          for (const name of Object.keys(row)) names.add(name)
          await transactions.write(row)
        } else if (entry.kind === 'label') {
          const { transactionId, isFraud, origin, isWaiting } = entry.label
          if (isWaiting === true || origin === 'delay' || !seen.has(transactionId)) continue
          labelled++
          const label = isFraud === null ? null : Number(isFraud)
          await labels.write({ transaction_id: transactionId, is_fraud: label, known_at: latestMs + 1 })
        }
      }
      await transactions.end()
      await labels.end()
      return { transactions: seen.size, labels: labelled, names: [...names].sort() }
    } finally {
      transactions.destroy()
      labels.destroy()
    }
  })

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
