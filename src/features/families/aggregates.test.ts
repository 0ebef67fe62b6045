import { describe, expect, it } from 'vitest'
import { driveEngine } from '../../../test/oracle/drive-engine.ts'
import { ATTRIBUTES, SMALL_FIT, smallSettings } from '../../../test/oracle/random-histories.ts'
import type { VigiaError } from '../../errors.ts'
import type { AttributeValues } from '../../transaction/attributes.ts'
import {
  type AggregateFeature,
  COMPUTED,
  type Compute,
  readAggregates,
} from '../aggregates/aggregate-feature.ts'
import { checkAggregates } from '../aggregates/check-aggregates.ts'
import { planFeatures } from '../feature-plan.ts'
import type { FeatureSettings } from '../feature-settings.ts'
import { tellFeature } from '../tell-feature.ts'

describe('an aggregate of numbers', () => {
  const balances = [10.5, undefined, 2.25, 7]
  it.each<[Compute, number[]]>([
    ['mean', [10.5, 10.5, 6.375, (10.5 + 2.25 + 7) / 3]],
    ['sum', [10.5, 10.5, 12.75, 19.75]],
    ['maximum', [10.5, 10.5, 10.5, 10.5]],
    ['distinct', [1, 1, 2, 3]],
    ['share', [1, Number.NaN, 0.5, 1 / 3]],
    ['last', [Number.NaN, 10.5, 10.5, 2.25]],
    ['change', [Number.NaN, Number.NaN, -8.25, 4.75]],
  ])(
    'computes %s of what is known, this transaction in windows, and before it for the last',
    (compute, expected) => {
      expect(
        columnOf(
          { of: 'balance', compute },
          balances.map((balance) => ({ balance })),
        ),
      ).toEqual(expected)
    },
  )

  it('leaves a value out when its window ends exactly a window ago: (t - w, t]', () => {
    const log = [1, 2, 4].map((balance) => ({ balance }))
    expect(columnOf({ of: 'balance', compute: 'sum' }, log, 5000)).toEqual([1, 3, 6])
    expect(columnOf({ of: 'balance', compute: 'sum' }, log, 10_000)).toEqual([1, 2, 4])
  })

  it('is missing while a value is too large to be summed, and exact again when it has gone', () => {
    const log = [0.1, 1e300, 0.2].map((balance) => ({ balance }))
    expect(columnOf({ of: 'balance', compute: 'sum' }, log, 4000)).toEqual([0.1, Number.NaN, Number.NaN])
    expect(columnOf({ of: 'balance', compute: 'maximum' }, log, 4000)).toEqual([0.1, 1e300, 1e300])
    expect(columnOf({ of: 'balance', compute: 'sum' }, [...log, { balance: 0.1 }], 6000)).toEqual([
      0.1,
      Number.NaN,
      Number.NaN,
      0.3,
    ])
  })

  it('knows the last value by its time, also when a full ring has dropped it and an older one comes late', () => {
    const at = (seconds: number, attributes: AttributeValues = {}) => ({
      transaction: {
        transactionId: `t${seconds}`,
        userId: 'ada',
        eventTimeMs: 1e12 + seconds * 1000,
        amountMinor: 100,
        attributes,
      },
    })
    const log = [at(10, { balance: 1 }), at(11), at(12), at(13), at(14), at(9, { balance: 2 }), at(15)]
    const aggregate = declared({ of: 'balance', compute: 'last' })
    const settings = { ...settingsWith([aggregate], { ringEvents: 4 }), include: ['aggregates.*'] }
    const { vectors } = driveEngine(log, settings, SMALL_FIT)
    expect((vectors.at(-1) as Float64Array)[0]).toBe(1)
  })

  it('rounds to its decimals and adds up what it has rounded', () => {
    const log = [1.25, 1.35].map((balance) => ({ balance }))
    expect(columnOf({ of: 'balance', compute: 'sum', decimals: 1 }, log)).toEqual([1.3, 2.7])
    expect(columnOf({ of: 'balance', compute: 'sum', decimals: 0 }, log)).toEqual([1, 2])
  })
})

describe('an aggregate of another kind', () => {
  it('counts yes as 1 and no as 0', () => {
    const log = [true, false, undefined, true].map((is_vip) => ({ is_vip }))
    expect(columnOf({ of: 'is_vip', compute: 'mean' }, log)).toEqual([1, 0.5, 0.5, 2 / 3])
    expect(columnOf({ of: 'is_vip', compute: 'sum' }, log)).toEqual([1, 1, 1, 2])
    expect(columnOf({ of: 'is_vip', compute: 'change' }, log)).toEqual([Number.NaN, -1, Number.NaN, 1])
  })

  it('tells of times in days before the transaction', () => {
    const log = [0, 43_200_000].map((signed_up) => ({ signed_up }))
    const now = 1e12 / 86_400_000
    const [first, second] = columnOf({ of: 'signed_up', compute: 'mean' }, log)
    expect([first, second]).toEqual([now, (1e12 + 1000 - 21_600_000) / 86_400_000])
    expect(columnOf({ of: 'signed_up', compute: 'change' }, log)).toEqual([Number.NaN, 0.5])
  })

  it('compares categories and texts, and gives a category its code', () => {
    const log = ['firefox', 'lynx', undefined, 'lynx', 'firefox'].map((browser) => ({ browser }))
    expect(columnOf({ of: 'browser', compute: 'share' }, log)).toEqual([1, 0.5, Number.NaN, 2 / 3, 0.5])
    expect(columnOf({ of: 'browser', compute: 'distinct' }, log)).toEqual([1, 2, 2, 2, 2])
    expect(columnOf({ of: 'browser', compute: 'change' }, log)).toEqual([Number.NaN, 1, Number.NaN, 0, 1])
    expect(columnOf({ of: 'browser', compute: 'last' }, log)).toEqual([Number.NaN, 0, -1, -1, -1])
  })
})

describe('states of aggregates', () => {
  const needs = (aggregates: readonly AggregateFeature[]) =>
    planFeatures({ ...settingsWith(aggregates), include: ['aggregates.*', 'user_tx_count_10s'] }).layouts

  it('hold what is asked for, once for all who ask', () => {
    const { user, merchant } = needs([
      declared({ name: 'a', of: 'balance', compute: 'mean', windows: ['60s'] }),
      declared({ name: 'b', of: 'balance', compute: 'sum', windows: ['10s', '60s'] }),
      declared({ name: 'c', of: 'balance', compute: 'last', windows: [] }),
      declared({ name: 'd', of: 'balance', compute: 'change', windows: [] }),
    ])
    expect(merchant).toBeUndefined()
    expect(user?.needs.windows.map(({ name }) => name)).toEqual(['10s'])
    expect(
      user?.needs.aggregates?.map(({ keeps, windows }) => [keeps, windows.map(({ name }) => name)]),
    ).toEqual([
      ['last', []],
      ['sum', ['10s', '60s']],
    ])
    // Time, amount, id and one value.
    expect(user?.fieldCount).toBe(4)
  })

  it('are others when what is asked for is another, whatever its features are called', () => {
    const hashOf = (aggregate: Partial<AggregateFeature>) =>
      needs([declared({ of: 'balance', compute: 'mean', ...aggregate })])['user']?.schemaHash
    const others: Partial<AggregateFeature>[] = [
      { of: 'is_vip' },
      { compute: 'maximum' },
      { windows: ['90s'] },
      { decimals: 2 },
      { by: 'merchant' },
    ]
    expect(new Set([hashOf({}), ...others.map(hashOf)]).size).toBe(6)
    expect(hashOf({ name: 'another' })).toBe(hashOf({}))
    expect(needs([])['user']?.needs).not.toHaveProperty('aggregates')
  })

  it('hold nothing for features that are left out', () => {
    const settings = settingsWith([declared({ of: 'balance', compute: 'mean' })])
    const { features, layouts } = planFeatures({ ...settings, exclude: ['aggregates.*'] })
    expect(features.filter(({ family }) => family === 'aggregates')).toEqual([])
    expect(layouts['user']?.needs.aggregates).toBeUndefined()
  })
})

describe('an aggregate is told', () => {
  it.each<[of: string, compute: Compute, value: number, text: string]>([
    ['balance', 'mean', 12.5, 'mean balance of the user in the last 10 seconds is 12.50'],
    ['balance', 'sum', 1200, 'balance of the user in the last 10 seconds comes to 1,200.00'],
    ['balance', 'maximum', 3, 'largest balance of the user in the last 10 seconds is 3.00'],
    ['balance', 'last', 3, 'last balance of the user was 3.00'],
    ['balance', 'change', -3, 'balance differs from the last one of the user by -3.00'],
    [
      'browser',
      'distinct',
      1,
      '1 value of browser among the transactions of the user in the last 10 seconds',
    ],
    [
      'browser',
      'share',
      0.25,
      '25% of the transactions of the user in the last 10 seconds have this browser',
    ],
    ['browser', 'last', 0, 'last browser of the user was "firefox"'],
    ['browser', 'change', 1, 'browser is not the last one of the user'],
    ['is_vip', 'mean', 0.5, 'is vip is yes in 50% of the transactions of the user in the last 10 seconds'],
    ['is_vip', 'sum', 2, '2 transactions of the user in the last 10 seconds with is vip'],
    ['is_vip', 'change', -1, 'is vip has become no for the user'],
    ['signed_up', 'last', 2, '2 days since the last signed up of the user'],
  ])('%s: %s', (of, compute, value, text) => {
    const settings = settingsWith([declared({ of, compute })])
    const { feature } = planFeatures(settings).features.find(({ family }) => family === 'aggregates')!
    expect(tellFeature(feature, value, SMALL_FIT)).toBe(text)
    expect(tellFeature(feature, Number.NaN, SMALL_FIT)).toMatch(/^no /)
  })
})

describe('an aggregate is refused', () => {
  const scope = { windows: ['1d'], entities: [{ name: 'card', windows: ['2d', '1h'] }] }
  const read = (aggregate: object, name = 'one') =>
    readAggregates({ [name]: { of: 'balance', by: 'user', compute: 'mean', ...aggregate } as never }, scope)

  it('of no attribute, or of a kind that has none like it', () => {
    expect(messageOf(() => planFeatures(settingsWith([declared({ of: 'balanc', compute: 'mean' })])))).toBe(
      'features.aggregates.one.of must be one of balance, browser, is_vip, signed_up, note, payer, payee; got balanc',
    )
    expect(messageOf(() => planFeatures(settingsWith([declared({ of: 'browser', compute: 'mean' })])))).toBe(
      'features.aggregates.one.compute must be one of distinct, share, last, change, because browser is a category; got mean',
    )
    for (const { name: of, kind } of ATTRIBUTES)
      for (const compute of COMPUTED[kind])
        expect(() => planFeatures(settingsWith([declared({ of, compute })]))).not.toThrow()
  })

  it.each<[setting: object, message: string]>([
    [{ by: 'cards' }, '.by must be one of user, merchant, device, card; got cards'],
    [
      { compute: 'last', windows: ['1d'] },
      '.windows must be left out: last looks at the last value only; got 1d',
    ],
    [{ compute: 'maximum', decimals: 2 }, '.decimals must be left out: maximum adds nothing up; got 2'],
  ])('with settings that do not go together', (setting, message) => {
    expect(messageOf(() => read(setting))).toBe(`features.aggregates.one${message}`)
  })

  it('with decimals of what is whole', () => {
    const aggregate = declared({ of: 'is_vip', compute: 'mean', decimals: 2 })
    expect(messageOf(() => planFeatures(settingsWith([aggregate])))).toBe(
      'features.aggregates.one.decimals must be left out, because is_vip is a boolean, whose values are whole; got 2',
    )
  })

  it.each(['Mean', 'user_id', 'a__b', 'x'.repeat(51)])('when it is called %s', (name) => {
    expect(messageOf(() => read({}, name))).toContain(`features.aggregates.${name}, the name, must be`)
  })

  it('over users in a bank without them', () => {
    expect(messageOf(() => checkAggregates(WRITTEN, ['card'], true))).toBe(
      'features.aggregates.one.by must be one of merchant, device, card; got user',
    )
    expect(() => checkAggregates(WRITTEN, ['card'], false)).not.toThrow()
  })

  it('when another feature has its name', () => {
    const taken = declared({ name: 'user_tx_count', of: 'balance', compute: 'sum' })
    expect(messageOf(() => planFeatures(settingsWith([taken])))).toContain('"user_tx_count_10s"')
  })

  it('by nothing else: windows left out are those of the entity, in order', () => {
    expect(read({})).toEqual([{ name: 'one', of: 'balance', by: 'user', compute: 'mean', windows: ['1d'] }])
    expect(read({ by: 'card' })).toMatchObject([{ windows: ['1h', '2d'] }])
    expect(readAggregates(undefined, scope)).toEqual([])
  })
})

const WRITTEN = {
  windows: ['1d'],
  aggregates: { one: { of: 'balance', by: 'user', compute: 'mean' as const } },
}

const declared = (
  aggregate: Partial<AggregateFeature> & { of: string; compute: Compute },
): AggregateFeature => ({
  name: 'one',
  by: 'user',
  windows: aggregate.compute === 'last' || aggregate.compute === 'change' ? [] : ['10s'],
  ...aggregate,
})

const settingsWith = (
  aggregates: readonly AggregateFeature[],
  bounds: Parameters<typeof smallSettings>[0] = {},
): FeatureSettings => {
  const settings = smallSettings(bounds)
  return { ...settings, options: { ...settings.options, aggregates } }
}

/** The values of one aggregate in transactions of one user that follow each other by `gapMs`. */
const columnOf = (
  aggregate: Partial<AggregateFeature> & { of: string; compute: Compute },
  attributes: readonly { readonly [name: string]: unknown }[],
  gapMs = 1000,
): number[] => {
  const log = attributes.map((given, n) => ({
    transaction: {
      transactionId: `t${n}`,
      userId: 'ada',
      eventTimeMs: 1e12 + n * gapMs,
      amountMinor: 100,
      attributes: Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined),
      ) as AttributeValues,
    },
  }))
  const settings = { ...settingsWith([declared(aggregate)]), include: ['aggregates.*'] }
  return driveEngine(log, settings, SMALL_FIT).vectors.map((vector) => (vector as Float64Array)[0]!)
}

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as VigiaError).message
  }
  throw new Error('nothing was refused')
}
