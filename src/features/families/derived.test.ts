import { describe, expect, it } from 'vitest'
import { smallSettings } from '../../../test/oracle/random-histories.ts'
import type { VigiaError } from '../../errors.ts'
import { checkDerived } from '../derived/check-derived.ts'
import { type DerivedFeature, readDerived } from '../derived/derived-feature.ts'
import type { Feature } from '../feature.ts'
import { planFeatures } from '../feature-plan.ts'
import type { FittedFeatures } from '../fitted-features.ts'
import { tellFeature } from '../tell-feature.ts'

const NO_FIT: FittedFeatures = { amountBandEdgesMinor: [], vocabularies: {} }

describe('a derived feature', () => {
  it('that is a number has its unit and its words', () => {
    const feature = planned({
      name: 'to_limit',
      expression: 'amount / balance',
      unit: 'share',
      means: 'share of the limit',
    })
    expect(feature).toMatchObject({ unit: 'share', range: [-Infinity, Infinity] })
    expect(tellFeature(feature, 0.25, NO_FIT)).toBe('share of the limit is 25%')
    expect(tellFeature(feature, Number.NaN, NO_FIT)).toBe('share of the limit is not known')
  })

  it('that is true or false is 1 or 0, and needs no words but its name', () => {
    const feature = planned({ name: 'is_vip_abroad', expression: 'is_vip && currency != "EUR"' })
    expect(feature).toMatchObject({ unit: 'boolean', range: [0, 1] })
    expect([1, 0, Number.NaN].map((value) => tellFeature(feature, value, NO_FIT))).toEqual([
      'is vip abroad: yes',
      'is vip abroad: no',
      'is vip abroad is not known',
    ])
  })

  it('reads the transaction and no state', () => {
    const { features } = planFeatures(settingsWith({ name: 'half', expression: 'amount / 2' }))
    expect(features.find(({ feature }) => feature.name === 'half')).toMatchObject({
      family: 'derived',
      source: 'transaction',
    })
  })
})

describe('a derived feature is refused', () => {
  it('with the place in its expression, and the name that may be meant', () => {
    expect(messageOf(() => planned({ name: 'to_limit', expression: 'amount /\n  (balanc + 1)' }))).toBe(
      [
        'features.derived.to_limit: no field and no attribute is called "balanc", at character 13 of',
        '    (balanc + 1)',
        '     ^',
      ].join('\n'),
    )
    expect(fixOf(() => planned({ name: 'to_limit', expression: 'amount / balanc' }))).toContain(
      'did you mean "balance"?',
    )
  })

  it.each<[expression: string, reason: string]>([
    ['note', 'its value is a text; that of a feature is a number, or true or false'],
    ['signed_up', 'its value is a time; that of a feature is a number, or true or false'],
  ])('when it is %s: %s', (expression, reason) => {
    expect(messageOf(() => planned({ name: 'other', expression }))).toContain(reason)
  })

  it('when true and false have a unit', () => {
    expect(messageOf(() => planned({ name: 'big', expression: 'amount > 5', unit: 'days' }))).toBe(
      'features.derived.big.unit must be left out, because the expression is true or false; got days',
    )
  })

  it('when another feature has its name', () => {
    expect(messageOf(() => planned({ name: 'amount_log', expression: 'log(amount)' }))).toBe(
      'Two features are called "amount_log" (derived) and "amount_log" (amount), which files cannot tell apart',
    )
  })

  it.each(['is_fraud', 'user_id', 'arrival', 'Limit', 'a__b', '_a', 'a b', 'a'.repeat(64)])(
    'when it is called %s',
    (name) => {
      expect(messageOf(() => readDerived({ [name]: 'amount' }))).toContain(
        `features.derived.${name}, the name, must be`,
      )
    },
  )
})

describe('features.derived is read', () => {
  it('in the order of names, a plain text being the expression; nothing where it is absent', () => {
    const big = { expression: 'amount > 5', means: 'a large amount' }
    expect(readDerived({ to_limit: 'amount / 5', big })).toEqual([
      { name: 'big', ...big },
      { name: 'to_limit', expression: 'amount / 5' },
    ])
    expect(readDerived(undefined)).toEqual([])
  })
})

describe('before a source is read', () => {
  it('a name that is no field may be an attribute of any kind', () => {
    for (const expression of [
      'amount / credit_limit',
      'credit_limit - hour > 1 && is_vip',
      'shipping_country == "ES" ? 1 : 0',
      'timestamp - signed_up > 3600',
      'signed_up - born',
      'browser in ["lynx", "opera"]',
      'unread',
    ])
      expect(() => checkDerived({ one: expression }, true)).not.toThrow()
  })

  it.each<[expression: string, reason: string]>([
    ['amount / (credit_limit', 'it is no CEL'],
    ['credit_limit + currency', '+ takes a number, got text'],
    ['(is_vip > 3) + 1', '+ takes a number, got true or false'],
    ['transaction_type == "Transfer"', 'fold_categories'],
    ['unread.part', 'a variable has no parts'],
  ])('%s is refused at once: %s', (expression, reason) => {
    expect(messageOf(() => checkDerived({ one: expression }, true))).toContain(reason)
  })
})

const settingsWith = (derived: DerivedFeature) => {
  const settings = smallSettings()
  return { ...settings, options: { ...settings.options, derived: [derived] } }
}

const planned = (derived: DerivedFeature): Feature =>
  planFeatures(settingsWith(derived)).features.find(({ feature }) => feature.name === derived.name)!.feature

const errorOf = (run: () => unknown): VigiaError => {
  try {
    run()
  } catch (error) {
    return error as VigiaError
  }
  throw new Error('nothing was refused')
}
const messageOf = (run: () => unknown): string => errorOf(run).message
const fixOf = (run: () => unknown): string => errorOf(run).fix
