import { expect, test } from 'vitest'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { testModel } from '../inference.test-kit.ts'
import { createLogFeatures } from '../log/log-features.ts'
import { documentOf } from '../log/model-document.ts'
import { encodedStates } from './encoded-states.ts'
import { NO_WORDS } from './ended-states.ts'

const MODEL = documentOf(testModel('forgetful', 1, '200s'))

test('a state that a replay began with and that has expired in it is there no more; others stay', () => {
  const before = createLogFeatures(MODEL, () => undefined)
  for (const user of ['ends', 'stays', 'pays']) before.createAllFeatures(MODEL, payment(user, 1), undefined)
  const stored = encodedStates(before, 'user', new Map())
  expect(stored.size).toBe(3)
  const after = createLogFeatures(MODEL, (kind, token) => (kind === 'user' ? stored.get(token) : undefined))
  const repair = { kind: 'user', token: tokenOf('ends'), repairedAtMs: 0, basis: 0 }
  after.repair({ kind: 'repair', sequence: 1, repair, words: NO_WORDS })
  after.createAllFeatures(MODEL, payment('pays', 2), undefined)
  const encoded = encodedStates(after, 'user', stored)
  expect([...encoded.keys()].sort()).toEqual([tokenOf('pays'), tokenOf('stays')].sort())
  expect(encoded.get(tokenOf('stays'))).toBe(stored.get(tokenOf('stays')))
  expect(encoded.get(tokenOf('pays'))).not.toEqual(stored.get(tokenOf('pays')))
})

const payment = (userId: string, n: number): Transaction => ({
  transactionId: `${userId} ${n}`,
  userId,
  merchantId: 'shop',
  deviceId: 'd',
  eventTimeMs: 1e12 + n,
  amountMinor: 100,
})
