import { expect, test } from 'vitest'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { testModel } from '../inference.test-kit.ts'
import { createLogFeatures } from './log-features.ts'
import type { LabelEntry } from './log-record.ts'
import { documentOf } from './model-document.ts'

const MODEL = documentOf(testModel())
const TOLD = { isFraud: true, eventTimeMs: 1e12, receivedAtMs: 1e12, isApplied: true }

const payment = (transactionId: string, afterMs: number): Transaction => ({
  transactionId,
  userId: 'ada',
  merchantId: 'shop',
  eventTimeMs: 1e12 + afterMs,
  amountMinor: 100,
})

/** The features of a payment 35 seconds after one of which this was told. */
const afterLabel = (label: LabelEntry | undefined): number[] => {
  const features = createLogFeatures(MODEL, () => undefined)
  features.createAllFeatures(MODEL, payment('t1', 0), undefined)
  if (label !== undefined) features.applyLabel(label)
  return [...features.createAllFeatures(MODEL, payment('t2', 35_000), undefined)!]
}

test('a label is learnt whether it names its entities, or has their tokens alone, as one of the history', () => {
  const none = afterLabel(undefined)
  const named = afterLabel({ ...TOLD, transactionId: 't1', userId: 'ada', merchantId: 'shop' })
  const own = { user: tokenOf('ada'), merchant: tokenOf('shop') }
  const byToken = { ...TOLD, transactionId: '', transactionToken: tokenOf('t1'), own }
  expect(afterLabel({ ...byToken, origin: 'history' })).toEqual(named)
  expect(named).not.toEqual(none)
})
