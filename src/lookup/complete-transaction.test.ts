import { describe, expect, it } from 'vitest'
import type { Transaction } from '../transaction/transaction.ts'
import { columnStore } from './column-store.ts'
import { completeTransaction, type LookupOutcome } from './complete-transaction.ts'
import type { ReferenceTable } from './reference-table.ts'
import { tableIndexBuilder } from './table-index.ts'

describe('a transaction is completed by tables', () => {
  it('with what it does not say itself, and is told what was looked up', () => {
    const { whole, outcomes } = complete({ attributes: { note: 'hi' } })
    expect(whole.attributes).toEqual({ note: 'hi', country: 'ES', level: 3, member: true })
    expect(whole.lookedUp).toEqual(['country', 'member', 'level'])
    expect(outcomes).toEqual(['customer found', 'country found'])
  })

  it('what it sends is taken as it is sent, and finds other rows with it', () => {
    const { whole } = complete({ attributes: { country: 'PT' } })
    expect(whole.attributes).toEqual({ country: 'PT', level: 7, member: true })
    expect(whole.lookedUp).toEqual(['member', 'level'])
    const all = complete({ attributes: { country: 'PT', member: false, level: 0 } })
    expect(all.outcomes).toEqual(['customer sent', 'country sent'])
    expect(all.whole).not.toHaveProperty('lookedUp')
  })

  it('is left as it is where no row is found, and where it does not name what finds one', () => {
    const stranger = complete({ userId: 'eve' })
    expect(stranger.outcomes).toEqual(['customer missing', 'country without_key'])
    expect(stranger.whole).toEqual({ ...PAYMENT, userId: 'eve' })
    const { userId: _, ...nameless } = PAYMENT
    const outcomes: string[] = []
    expect(completeTransaction(nameless, TABLES, (...told) => void outcomes.push(told.join(' ')))).toBe(
      nameless,
    )
    expect(outcomes).toEqual(['customer without_key', 'country without_key'])
  })
})

const PAYMENT: Transaction = { transactionId: 't', userId: 'ada', eventTimeMs: 1e12, amountMinor: 100 }

const tableOf = (
  name: string,
  of: string,
  rows: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  kinds: Readonly<Record<string, 'category' | 'number' | 'boolean'>>,
): Pick<ReferenceTable, 'name' | 'mapping' | 'index' | 'columns'> => {
  const keys = Object.keys(rows)
  const builder = tableIndexBuilder(name, keys.length, () => false)
  const columns = new Map(
    Object.entries(kinds).map(([column, kind]) => [column, columnStore(kind, keys.length)]),
  )
  for (const [place, key] of keys.entries()) {
    for (const [column, store] of columns) store.set(place, rows[key]![column] ?? null)
    builder.add({
      place,
      sourceRow: place + 1,
      key,
      validFromMs: Number.NEGATIVE_INFINITY,
      validToMs: Number.POSITIVE_INFINITY,
      knownFromMs: Number.NEGATIVE_INFINITY,
    })
  }
  return { name, mapping: { key: [{ from: '"k"', of, kind: 'text' }] }, index: builder.finish(), columns }
}

const TABLES = [
  tableOf(
    'customer',
    'user_id',
    { ada: { country: 'ES', member: true } },
    { country: 'category', member: 'boolean' },
  ),
  tableOf('country', 'country', { ES: { level: 3 }, PT: { level: 7 } }, { level: 'number' }),
]

const complete = (changes: Partial<Transaction>) => {
  const outcomes: string[] = []
  const count = (table: string, outcome: LookupOutcome) => void outcomes.push(`${table} ${outcome}`)
  return { whole: completeTransaction({ ...PAYMENT, ...changes }, TABLES, count), outcomes }
}
