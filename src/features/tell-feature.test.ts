import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGGREGATES, ATTRIBUTES } from '../../test/oracle/random-histories.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { FEATURE_FAMILIES } from './families/index.ts'
import type { Feature } from './feature.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from './fitted-features.ts'
import { tellFeature } from './tell-feature.ts'

const FITTED: FittedFeatures = {
  amountBandEdgesMinor: [2_000, 8_000],
  vocabularies: {
    merchant_category: [
      { value: 'food', share: 0.7 },
      { value: 'travel', share: 0.3 },
    ],
    transaction_type: [{ value: 'payment', share: 1 }],
    device_type: [{ value: 'phone', share: 1 }],
  },
}

const FEATURES: readonly Feature[] = FEATURE_FAMILIES.flatMap((family) =>
  family.features({
    windows: ['1h', '1d', '7d', '30d'],
    riskWindows: ['1d', '7d'],
    businessHours: { from: 9, to: 18 },
    night: { from: 0, to: 7 },
    categories: VOCABULARY_FIELDS,
    attributes: ATTRIBUTES,
    amounts: DEFAULT_AMOUNTS,
    entities: [],
    standardEntities: [],
    derived: [],
    aggregates: AGGREGATES,
  }),
)

/** Missing, none, one, ordinary, fractional, negative, tiny, huge, endless. */
const TRYING = [
  ...[
    Number.NaN,
    0,
    -0,
    1,
    2,
    7,
    31,
    1e4,
    0.5,
    1 / 3,
    0.9999,
    99.96,
    1234.567,
    -1,
    -0.4,
    -1e-9,
    1e-9,
    5e-324,
  ],
  ...[-1e6, 1e14, 1e15, 1e21, 1e300, -1e300, Number.MAX_VALUE, Infinity, -Infinity],
]

const named = (name: string): Feature => FEATURES.find((feature) => feature.name === name)!

describe('a feature in words', () => {
  test.each([
    ['user_amount_to_mean_7d', 9.4, "amount is 9.4 times the user's mean of the last 7 days"],
    ['user_merchant_is_new', 1, 'first payment of this user at the merchant'],
    ['user_merchant_is_new', 0, 'user has paid at the merchant before'],
    ['user_merchant_is_new', Number.NaN, 'no merchant given'],
    ['user_device_is_usual', Number.NaN, 'no device given'],
    ['device_tx_count_life', Number.NaN, 'no device given'],
    ['amount', 1234.5, 'amount is 1,234.50'],
    ['amount_log', Math.log(1235.5), 'amount is 1,234.50'],
    ['amount_cents', 9, 'amount ends in .09'],
    ['amount_band', 0, 'amount is in band 1 of 3 (up to 20.00)'],
    ['amount_band', 1, 'amount is in band 2 of 3 (over 20.00, up to 80.00)'],
    ['amount_band', 2, 'amount is in band 3 of 3 (over 80.00)'],
    ['user_tx_count_1h', 1, 'only transaction of the user in the last hour'],
    ['user_tx_count_1h', 3, 'user has made 3 transactions in the last hour'],
    ['user_velocity_1d', 1, 'user has made 1 transaction per hour in the last day'],
    ['user_velocity_1d', 0.25, 'user has made 0.25 transactions per hour in the last day'],
    ['user_burst_1h_1d', 8, 'user has paid 8 times as often in the last hour as in the last day'],
    ['device_labelled_count_1d', 3, 'device has 3 transactions in the last day of known labels'],
    ['user_seconds_since_last', 40, "40 seconds since the user's last transaction"],
    ['user_seconds_since_last', 3_599, "1 hour since the user's last transaction"],
    ['user_seconds_since_last', 9_000, "2.5 hours since the user's last transaction"],
    ['user_seconds_since_last', Number.NaN, 'no earlier transaction of the user'],
    ['user_age', 3, "3 days since the user's first transaction"],
    ['user_age', 730, "2 years since the user's first transaction"],
    ['user_merchant_share', 0.042, 'user made 4.2% of earlier payments at the merchant'],
    ['user_merchant_share', 0, 'user made no earlier payment at the merchant'],
    [
      'merchant_risk_7d',
      0.9999,
      "over 99.9% of the merchant's transactions in the last 7 days of known labels were fraud",
    ],
    ['user_amount_zscore', 2.13, "amount is 2.1 standard deviations above the user's mean"],
    ['user_amount_zscore', -1, "amount is 1 standard deviation below the user's mean"],
    [
      'user_speed_from_last',
      901,
      "901 kilometres per hour needed to get here from the user's last transaction",
    ],
    ['user_location_entropy', Math.log(3), "user's variety of place so far is 3, where 1 is always the same"],
    ['merchant_category_code', 1, 'merchant category is "travel"'],
    ['merchant_category_code', -1, 'merchant category is one that training did not know'],
    ['merchant_category_code', Number.NaN, 'no merchant category given'],
    ['hour', 23, 'local time is 23:00 to 23:59'],
    ['minute_of_day', 545, 'local time is 09:05'],
    ['weekday', 0, 'day is Monday'],
    ['day_of_month', 31, 'day of the month is 31'],
    ['is_night', 1, 'at night'],
    ['hour_sin', 0.5, 'local time is about 02:00 or 10:00'],
    ['hour_sin', 1, 'local time is about 06:00'],
    ['hour_cos', 0.5, 'local time is about 04:00 or 20:00'],
    ['hour_cos', 1, 'local time is about 00:00'],
    ['weekday_sin', Math.sin((2 * Math.PI) / 7), 'day is Tuesday'],
    ['weekday_cos', Math.cos((2 * Math.PI) / 7), 'day is Tuesday or Sunday'],
  ])('%s of %d: %s', (name, value, text) => {
    expect(tellFeature(named(name), value, FITTED)).toBe(text)
  })

  test('a feature without a phrase is told by its name', () => {
    const { phrase: _, ...bare } = named('user_tx_count_1h')
    expect(tellFeature(bare, 2, FITTED)).toBe('user tx count 1h is 2')
    expect(tellFeature(bare, Number.NaN, FITTED)).toBe('user tx count 1h is not known')
  })

  test('a category of any text stays in its quotes, on one line and short', () => {
    const told = (value: string) =>
      tellFeature(named('device_type_code'), 0, {
        ...FITTED,
        vocabularies: { ...FITTED.vocabularies, device_type: [{ value, share: 1 }] },
      })
    expect(told('a$&\nb\'"')).toBe('device type is "a$&\\nb\'\\""')
    expect(told('x'.repeat(500)).length).toBeLessThan(100)
    expect(told('right\u202Eto\u2028left')).toBe('device type is "right to left"')
  })
})

describe.each(FEATURES)('the phrase of $name', (feature) => {
  test('has words of its own for a missing value where the feature may be missing', () => {
    expect(feature.phrase).toBeDefined()
    if (feature.missing.startsWith('missing')) expect(feature.phrase?.missing).toBeDefined()
  })

  test('is half a plain sentence for every value of the feature and beyond', () => {
    for (const value of TRYING) expectPlain(feature, value)
    fc.assert(
      fc.property(fc.double(), (value) => expectPlain(feature, value)),
      { numRuns: 50, seed: 20_261_123 },
    )
  })
})

test('no two features say the same of the same value', () => {
  const alike = FEATURES.map((feature) => tellFeature(feature, 3.5, FITTED))
  const twice = alike.filter((text, index) => alike.indexOf(text) !== index)
  expect(twice).toEqual([])
})

function expectPlain(feature: Feature, value: number): void {
  const text = tellFeature(feature, value, FITTED)
  if (
    !/^[a-z0-9.-][^;{}\n]*[^.;\s]$/.test(text) ||
    /NaN|nfinity|undefined|null|-0(?![.\d])|\be\+| {2}/.test(text)
  ) {
    expect.fail(`${feature.name} at ${value}: "${text}"`)
  }
}
