import { describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { sha256 } from '../foundation/hash.ts'
import { AMOUNTS_ABOVE_ZERO, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { planFeatures } from './feature-plan.ts'
import { type FeatureSettings, readFeatureSettings } from './feature-settings.ts'
import { VOCABULARY_FIELDS } from './fitted-features.ts'

const limits = { ringEvents: 16, dimensionValues: 8, latenessMs: 0, labelDelayMs: 0 }
const plan = (include: string[], exclude: string[] = [], amounts = DEFAULT_AMOUNTS) =>
  planFeatures({
    timeZone: 'UTC',
    amounts,
    options: {
      windows: ['1h', '1d'],
      riskWindows: ['1d'],
      businessHours: { from: 9, to: 18 },
      night: { from: 0, to: 7 },
      categories: VOCABULARY_FIELDS,
      attributes: [],
      amounts,
      entities: [],
      standardEntities: [],
      derived: [],
      aggregates: [],
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

  test('an artifact from before there were refunds has the features and the states that it always had', () => {
    const { features, labels } = loadTrainingConfig({
      environment: {},
      assignments: [],
      workingDirectory: '/',
    }).settings
    const known = {
      categories: ['merchant_category', 'transaction_type', 'device_type'] as const,
      attributes: [],
      entities: [],
      standardEntities: [],
    }
    const before = planFeatures(readFeatureSettings(features, labels, AMOUNTS_ABOVE_ZERO, known))
    // As version 0.1 of 2026-11-28 computed them: states of that layout are read by their hash.
    const names = before.features.map(({ feature }) => feature.name)
    expect([names.length, sha256(names.join('\n'))]).toEqual([
      117,
      'bfeb4adbd9cffd1c1dc1ff14e6264c4382766892d7dd4aadb1cee0b030f9f77c',
    ])
    expect(before.layouts['user']?.schemaHash).toBe(3449997173868107)
    expect(before.layouts['merchant']?.schemaHash).toBe(2340426164557046)
    expect(before.layouts['device']?.schemaHash).toBe(2440186848287934)
    const now = planFeatures(readFeatureSettings(features, labels, DEFAULT_AMOUNTS, known))
    const added = now.features.map(({ feature }) => feature.name)
    for (const { feature } of before.features) added.splice(added.indexOf(feature.name), 1)
    expect(added.filter((name) => !/_refund_(count|amount)_/.test(name))).toEqual([
      'amount_is_zero',
      'amount_is_refund',
    ])
    expect(now.layouts['device']?.schemaHash).toBe(before.layouts['device']?.schemaHash)
  })

  test('counts refunds only where a feature is about amounts, and there may be any', () => {
    expect(plan(['user_tx_count_1h']).layouts['user']?.needs.refunds).toBeUndefined()
    expect(plan(['user_mean_amount_1h']).layouts['user']?.needs.refunds).toBe(true)
  })

  test('states of currencies with other decimals are other states', () => {
    const of = (decimals: number) => plan(['user_tx_count_1h'], [], { ...DEFAULT_AMOUNTS, decimals })
    expect(of(0).layouts['user']?.schemaHash).not.toBe(of(2).layouts['user']?.schemaHash)
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
