import type { AttributeValue, AttributeValues } from '../transaction/attributes.ts'
import { idFieldOf } from '../transaction/entities.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { NO_KEY, placeIn, type ReferenceTable } from './reference-table.ts'

/**
 * `found`: a row held at the time of the transaction; `missing`: none did; `without_key`: the transaction
 * does not name what the table is found by; `sent`: it says everything itself that the table could.
 */
export type LookupOutcome = 'found' | 'missing' | 'without_key' | 'sent'

/** Told what came of each lookup. */
export type CountLookup = (table: string, outcome: LookupOutcome) => void

/**
 * The transaction with the attributes that it does not send and that tables have for it, as of its time. What
 * it sends itself is taken as it is sent.
 *
 * @param tables in the order in which they are looked up
 */
export const completeTransaction = (
  transaction: Transaction,
  tables: readonly Pick<ReferenceTable, 'name' | 'mapping' | 'index' | 'columns'>[],
  count: CountLookup,
): Transaction => {
  const sent: AttributeValues = transaction.attributes ?? {}
  const values = new Map<string, AttributeValue>()
  const read = (part: string): AttributeValue | undefined => {
    const field = idFieldOf(part)
    return field === undefined ? (sent[part] ?? values.get(part)) : (transaction[field] as string | undefined)
  }
  for (const table of tables) {
    const absent = [...table.columns].filter(([name]) => sent[name] === undefined)
    if (absent.length === 0) {
      count(table.name, 'sent')
      continue
    }
    const place = placeIn(table, transaction.eventTimeMs, read)
    count(table.name, place >= 0 ? 'found' : place === NO_KEY ? 'without_key' : 'missing')
    if (place < 0) continue
    for (const [name, store] of absent) {
      const value = store.get(place)
      if (value !== undefined) values.set(name, value)
    }
  }
  if (values.size === 0) return transaction
  return {
    ...transaction,
    attributes: { ...sent, ...Object.fromEntries(values) },
    lookedUp: [...values.keys()],
  }
}
