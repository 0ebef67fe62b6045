import { describe, expect, test } from 'vitest'
import { driveEngine } from '../../test/oracle/drive-engine.ts'
import type { LogEntry } from '../../test/oracle/naive-features.ts'
import { SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { planFeatures } from './feature-plan.ts'

const MISSING = Number.NaN

describe('a reversal', () => {
  test('of a purchase that the user made tells how long ago it was, and how much of it comes back', () => {
    const log = [pay('a', 0, 4000), pay('b', 5, 900), pay('c', 20, -1000, 'a'), pay('d', 30, -5000, 'a')]
    expect(last(log.slice(0, 3))).toEqual([1, 20, 0.25])
    expect(last(log)).toEqual([1, 30, 1.25])
  })

  test('of nothing has nothing to tell; of what nobody knows, only that', () => {
    expect(last([pay('a', 0, 4000), pay('b', 5, -4000)])).toEqual([MISSING, MISSING, MISSING])
    expect(last([pay('a', 0, 4000), pay('b', 5, -4000, 'z')])).toEqual([0, MISSING, MISSING])
    expect(last([pay('a', 0, -4000, 'a')])).toEqual([0, MISSING, MISSING])
  })

  test('of a purchase of somebody else is not known', () => {
    const purchase = pay('a', 0, 4000)
    const others = { transaction: { ...purchase.transaction, userId: 'bob' } }
    expect(last([others, pay('b', 5, -4000, 'a')])).toEqual([0, MISSING, MISSING])
  })

  test('of what was free has no share', () => {
    expect(last([pay('a', 0, 0), pay('b', 5, -4000, 'a')])).toEqual([1, 5, MISSING])
  })

  test('knows the original for as long as the longest window and the lateness: 90 and 20 seconds', () => {
    expect(last([pay('a', 0, 100), pay('b', 109, -100, 'a')])[0]).toBe(1)
    expect(last([pay('a', 0, 100), pay('b', 110, -100, 'a')])[0]).toBe(0)
  })

  test('that comes late does not see what happened after its own time', () => {
    const log = [pay('a', 0, 100), pay('b', 15, 200)]
    expect(last([...log, pay('c', 10, -100, 'b')])).toEqual([0, MISSING, MISSING])
    expect(last([...log, pay('c', 10, -100, 'a')])).toEqual([1, 10, 1])
  })
})

test('where the source names no original there is no such feature, and states are the same', () => {
  const settings = smallSettings()
  const { reversals: _, ...without } = settings.options
  const plans = [settings, { ...settings, options: without }].map((one) => planFeatures(one))
  const names = plans.map(({ features }) => features.map(({ feature }) => feature.name))
  expect(names[0]!.filter((name) => !names[1]!.includes(name))).toEqual(NAMES)
  expect(plans[0]!.layouts['user']!.schemaHash).toBe(plans[1]!.layouts['user']!.schemaHash)
})

const NAMES = ['reversal_is_known', 'reversal_seconds_since', 'reversal_share_of_amount']

const pay = (id: string, seconds: number, amountMinor: number, reverses?: string) => ({
  transaction: {
    transactionId: id,
    userId: 'ada',
    eventTimeMs: 1e12 + seconds * 1000,
    amountMinor,
    ...(reverses !== undefined && { reverses }),
  } satisfies Transaction,
})

/** The three features of the last transaction. */
const last = (log: readonly LogEntry[]): readonly number[] => {
  const { driver, vectors } = driveEngine(log, smallSettings(), SMALL_FIT)
  const vector = vectors.at(-1) as Float64Array
  return NAMES.map((name) => vector[driver.engineer.featureNames.indexOf(name)]!)
}
