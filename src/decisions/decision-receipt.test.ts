import { describe, expect, it } from 'vitest'
import { TRANSACTION_FIELDS } from '../transaction/fields.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { transactionHash } from './decision-receipt.ts'

const SMALLEST: Transaction = { transactionId: 't2', userId: 'ada', eventTimeMs: 0, amountMinor: 1 }
const FULL: Transaction = {
  transactionId: 't1',
  userId: 'ada',
  eventTimeMs: 1769851800250,
  amountMinor: 1234,
  currency: 'EUR',
  merchantId: 'shop',
  merchantCategory: 'food',
  transactionType: 'purchase',
  deviceId: 'd-9',
  deviceType: 'mobile',
  location: 'Córdoba',
  latitude: 40.4168,
  longitude: -3.7038,
}

describe('the hash of a transaction', () => {
  // Recorded with version 0.1.0. Stores have such hashes: another one would refuse an honest repetition.
  it('is what earlier versions stored', () => {
    const odd: Transaction = {
      transactionId: 't3',
      userId: '日本 😀',
      eventTimeMs: 253402300799999,
      amountMinor: 99_999_999_999,
      merchantId: 'undefined',
      latitude: -90,
      longitude: 1e-7,
    }
    expect([FULL, SMALLEST, odd].map(transactionHash)).toEqual([
      97408986229935, 2056283883667698, 41438459213425,
    ])
  })

  it.each(TRANSACTION_FIELDS.filter(({ wire }) => wire !== 'transaction_id'))(
    'is another one when $wire is',
    ({ name }) => {
      const value = typeof FULL[name] === 'number' ? 7 : 'other'
      expect(transactionHash({ ...FULL, [name]: value })).not.toBe(transactionHash(FULL))
      expect(transactionHash({ ...SMALLEST, [name]: value })).not.toBe(transactionHash(SMALLEST))
    },
  )

  it('does not depend on the order of the fields', () => {
    const turned = Object.fromEntries(Object.entries(FULL).reverse()) as unknown as Transaction
    expect(transactionHash(turned)).toBe(transactionHash(FULL))
  })
})
