import { describe, expect, test } from 'vitest'
import { planFeatures } from './feature-plan.ts'
import type { FeatureSettings } from './feature-settings.ts'
import { VOCABULARY_FIELDS } from './fitted-features.ts'

const limits = { ringEvents: 16, dimensionValues: 8, latenessMs: 0, labelDelayMs: 0 }
const plan = (include: string[], exclude: string[] = []) =>
  planFeatures({
    timeZone: 'UTC',
    options: {
      windows: ['1h', '1d'],
      riskWindows: ['1d'],
      businessHours: { from: 9, to: 18 },
      night: { from: 0, to: 7 },
      categories: VOCABULARY_FIELDS,
      attributes: [],
      entities: [],
      standardEntities: [],
      derived: [],
    },
    windowMs: new Map([
      ['1h', 3_600_000],
      ['1d', 86_400_000],
    ]),
    limits: { user: limits, merchant: limits, device: limits },
    include,
    exclude,
    amountBands: 2,
    vocabularySize: 2,
  } satisfies FeatureSettings)

describe('the plan of features', () => {
  test('keeps only what the chosen features ask for', () => {
    const { features, layouts } = plan(['user_tx_count_1h'])
    expect(features.map(({ feature, source }) => [feature.name, source])).toEqual([
      ['user_tx_count_1h', 'user'],
    ])
    expect(layouts['user']?.needs.windows.map(({ name }) => name)).toEqual(['1h'])
    expect([layouts['user']?.needs.dimensions, layouts['merchant'], layouts['device']]).toEqual([
      [],
      undefined,
      undefined,
    ])
  })

  test('takes a family by its name and leaves out what is excluded', () => {
    const names = plan(['amount.*'], ['amount_log']).features.map(({ feature }) => feature.name)
    expect(names).toContain('amount_cents')
    expect(names).not.toContain('amount_log')
    expect(names).not.toContain('hour')
  })

  test('refuses a name it does not know and suggests the nearest', () => {
    expect(() => plan(['user_tx_cont_1h'])).toThrow(
      expect.objectContaining({
        code: 'FEATURES_UNKNOWN',
        fix: expect.stringContaining('did you mean "user_tx_count_1h"?'),
      }),
    )
  })
})
