import { describe, expect, it } from 'vitest'
import { SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import { FeatureEngineer } from '../features/feature-engineer.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import { separateBlocks } from '../features/state/entity-state.ts'
import { readTransaction } from '../features/transaction-event.ts'
import { costOfFeatures, type SourceCost } from './feature-cost.ts'

const SETTINGS = smallSettings({ ringEvents: 64, dimensionValues: 16 })

/** Each call is a microsecond later than the one before. */
const steadyClock = () => {
  let calls = 0
  return () => calls++ / 1000
}

const costs = (settings: FeatureSettings = SETTINGS): readonly SourceCost[] =>
  costOfFeatures(settings, SMALL_FIT, steadyClock(), 100)

describe('what features cost', () => {
  it('is told of the transaction, and of every kind of entity whose state a feature reads', () => {
    const engineer = new FeatureEngineer(SETTINGS, SMALL_FIT, separateBlocks)
    expect(costs().map(({ source }) => source)).toEqual(['transaction', ...engineer.kinds])
    expect(costs().reduce((sum, { features }) => sum + features, 0)).toBe(engineer.featureNames.length)
    const ofAmounts = costs({ ...SETTINGS, include: ['amount'] })
    expect(ofAmounts.map(({ source, features }) => [source, features])).toEqual([
      ['transaction', 1],
      // Repeats are known by it.
      ['user', 0],
    ])
  })

  it('is in bytes what states take, from the first transaction to their bounds', () => {
    for (const { source, state } of costs()) {
      if (state === undefined) continue
      const engineer = new FeatureEngineer(SETTINGS, SMALL_FIT, separateBlocks)
      const kept = engineer.keeperOf(source)!.create()
      const part = engineer.parts.find((one) => one.source === source)!
      const vector = new Float64Array(engineer.featureNames.length)
      const bytes: number[] = []
      for (let n = 0; n < 200; n++) {
        readTransaction(engineer.event, {
          transactionId: `t${n}`,
          userId: `u${n}`,
          merchantId: `m${n}`,
          deviceId: `d${n}`,
          merchantCategory: `c${n}`,
          transactionType: `y${n}`,
          deviceType: `k${n}`,
          location: `l${n}`,
          eventTimeMs: 1e12 + n,
          amountMinor: 100,
          attributes: { note: `n${n}`, browser: `b${n}`, payer: `p${n}`, payee: `r${n}` },
        })
        part.createFeatures(engineer.event, kept, vector, 0)
        bytes.push(kept.size * 8)
      }
      expect([source, bytes.at(-1)]).toEqual([source, state.most])
      expect([source, bytes[0]]).toEqual([source, state.first])
      expect(kept.past!.words * 8).toBeLessThanOrEqual(state.beyond)
      expect(state.beyond).toBeLessThan(
        engineer.plan.layouts[source]!.needs.dimensions.length * 16_000 + 60_000,
      )
      expect(state.first).toBeLessThan(state.most)
    }
  })

  it('is told once of the states that two sides share', () => {
    const sides = costs().filter(({ source }) => source.startsWith('account_'))
    expect(sides.map(({ source, state, stateOf }) => [source, state !== undefined, stateOf])).toEqual([
      ['account_sender', true, undefined],
      ['account_receiver', false, 'account_sender'],
    ])
  })

  it('is in time what the clock says between before and after, for each transaction', () => {
    for (const { source, microseconds } of costs())
      expect([source, microseconds]).toEqual([source, expect.closeTo(source === 'transaction' ? 2 : 1, 6)])
  })
})
