import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FEATURE_FAMILIES } from '../src/features/families/index.ts'
import { driveEngine } from './oracle/drive-engine.ts'
import { randomLog, SMALL_FIT, smallSettings } from './oracle/random-histories.ts'

const settings = smallSettings()
const featuresOf = FEATURE_FAMILIES.map((family) => ({
  family,
  features: family.features(settings.options),
}))
const all = featuresOf.flatMap(({ features }) => features)

test('there are at least sixty features, and no name twice', () => {
  expect(all.length).toBeGreaterThanOrEqual(60)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

test('emitting the same history twice gives the same bits', () => {
  fc.assert(
    fc.property(randomLog(30), (log) => {
      expect(driveEngine(log, settings, SMALL_FIT).vectors).toStrictEqual(
        driveEngine(log, settings, SMALL_FIT).vectors,
      )
    }),
    { numRuns: 20, seed: 20_260_327 },
  )
})

describe.each(featuresOf)('the family $family.name', ({ family, features }) => {
  test('says what it is in whole sentences', () => {
    for (const { meaning } of [family, ...features]) expect(meaning).toMatch(/^[A-Z].*\.$/)
    for (const { unit, missing } of features) expect(unit && missing).not.toBe('')
  })

  test('names its features in snake_case', () => {
    for (const { name } of features) expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
  })

  test('keeps every value in its range on any history, and is missing only where it says so', () => {
    fc.assert(
      fc.property(randomLog(30), (log) => {
        const { driver, vectors } = driveEngine(log, settings, SMALL_FIT)
        for (const { name, range, missing } of features) {
          const column = driver.engineer.featureNames.indexOf(name)
          for (const vector of vectors) {
            if (vector === 'repeated') continue
            const value = vector[column]!
            const isAllowed = Number.isNaN(value)
              ? missing.startsWith('missing')
              : value >= range[0] && value <= range[1]
            if (!isAllowed) expect.fail(`${name} is ${value}; range ${range.join(' to ')}; ${missing}`)
          }
        }
      }),
      { numRuns: 40, seed: 20_260_327 },
    )
  })

  test('has a value for the first transaction of a bank that leaves no field out, unless it says otherwise', () => {
    const [vector] = driveEngine([{ transaction: COMPLETE }], settings, SMALL_FIT).vectors
    const { featureNames } = driveEngine([], settings, SMALL_FIT).driver.engineer
    for (const { name, missing } of features) {
      if (/none is known|fewer than two|distance is|nothing (before|in the window)/.test(missing)) continue
      expect([name, (vector as Float64Array)[featureNames.indexOf(name)]]).not.toEqual([name, Number.NaN])
    }
  })
})

const COMPLETE = {
  transactionId: 'first',
  userId: 'ada',
  eventTimeMs: Date.UTC(2026, 0, 1),
  amountMinor: 1250,
  merchantId: 'shop',
  merchantCategory: 'food',
  transactionType: 'purchase',
  deviceId: 'phone',
  deviceType: 'mobile',
  location: 'Madrid',
  latitude: 40.4,
  longitude: -3.7,
  currency: 'EUR',
  reverses: 'another',
  attributes: {
    balance: 12.5,
    browser: 'lynx',
    is_vip: true,
    signed_up: 0,
    note: 'a',
    payer: 'x',
    payee: 'y',
  },
}
