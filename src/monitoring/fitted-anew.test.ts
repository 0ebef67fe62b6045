import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { driveEngine } from '../../test/oracle/drive-engine.ts'
import { randomLog, SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { translationsFor } from './fitted-anew.ts'

const SETTINGS = smallSettings()

/** The same values in another order with other shares, one of them no more, and other bands. */
const ANEW: FittedFeatures = {
  ...SMALL_FIT,
  amountBandEdgesMinor: [700, 1500, 2500],
  vocabularies: {
    ...SMALL_FIT.vocabularies,
    merchant_category: [
      { value: 'travel', share: 0.6 },
      { value: 'food', share: 0.3 },
    ],
    transaction_type: [],
    location: [
      { value: 'place3', share: 0.75 },
      { value: 'place1', share: 0.125 },
    ],
    browser: [{ value: 'firefox', share: 0.75 }],
  },
}

const theirsOf = (computed: readonly string[], features: FittedFeatures = SMALL_FIT) => ({
  key: 'theirs',
  computed,
  fitted: { features },
})

describe('what another model fitted', () => {
  test('law: is read as the own one would have computed it, bit for bit', () => {
    let translated = 0
    fc.assert(
      fc.property(randomLog(30), (log) => {
        const logged = driveEngine(log, SETTINGS, SMALL_FIT)
        const own = driveEngine(log, SETTINGS, ANEW)
        const names = own.driver.engineer.featureNames
        const translations = translationsFor({ settings: SETTINGS, fitted: ANEW }, theirsOf(names))
        for (const [at, vector] of logged.vectors.entries()) {
          const expected = own.vectors[at]!
          if (vector === 'repeated' || expected === 'repeated') continue
          for (const [f, name] of names.entries()) {
            const value = translations.get(name)?.(vector) ?? vector[f]!
            expect([name, value]).toEqual([name, expected[f]])
            if (!Object.is(value, vector[f])) translated++
          }
        }
      }),
      { numRuns: 60 },
    )
    expect(translated).toBeGreaterThan(1000)
  })

  test('that is equal needs no reading', () => {
    const { featureNames } = driveEngine([], SETTINGS, SMALL_FIT).driver.engineer
    const translationsOf = (features: FittedFeatures) =>
      translationsFor({ settings: SETTINGS, fitted: SMALL_FIT }, theirsOf(featureNames, features))
    expect(translationsOf(structuredClone(SMALL_FIT)).size).toBe(0)
    expect([...translationsOf({ ...SMALL_FIT, amountBandEdgesMinor: [500] }).keys()]).toEqual(['amount_band'])
  })

  test('and did not know stays unknown: the vector does not say what it was', () => {
    const { featureNames } = driveEngine([], SETTINGS, SMALL_FIT).driver.engineer
    const vocabularies = { ...SMALL_FIT.vocabularies, device_type: [{ value: 'tablet', share: 1 }] }
    const translations = translationsFor(
      { settings: SETTINGS, fitted: SMALL_FIT },
      theirsOf(featureNames, { ...SMALL_FIT, vocabularies }),
    )
    const vector = new Float64Array(featureNames.length).fill(Number.NaN)
    expect(translations.get('device_type_code')!(vector)).toBeNaN()
    vector[featureNames.indexOf('device_type_code')] = -1
    expect(translations.get('device_type_code')!(vector)).toBe(-1)
    expect(translations.get('device_type_share')!(vector)).toBe(0)
  })
})
