import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import type { FittedCleaning } from '../dataset/cleaning.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { createModelScorer } from '../model/scorer.ts'
import type { Attribute, AttributeValue, AttributeValues } from '../transaction/attributes.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { ServingModels } from './decider.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from './inference.test-kit.ts'
import type { LoadedModel } from './loaded-model.ts'
import { type OpenPipeline, openInferencePipeline } from './open-pipeline.ts'
import { mappingOf, shapeOf } from './served-shape.ts'

const BALANCE: Attribute = { name: 'balance', kind: 'number', means: 'balance before' }
const SPEED: Attribute = { name: 'speed', kind: 'number' }

describe('the shape of transactions', () => {
  test('has the attributes of all models, each once, in the words of the first that has it', () => {
    const champion = modelWith('champion', [BALANCE])
    const shadow = modelWith('shadow', [SPEED, { ...BALANCE, means: 'money' }])
    expect(shapeOf([champion, shadow])).toMatchObject({ attributes: [BALANCE, SPEED] })
    expect(shapeOf([modelWith('bare', [])])).toMatchObject({ attributes: [] })
  })

  test('there is none when two models take an attribute for different kinds of values', () => {
    const other = modelWith('other', [{ name: 'balance', kind: 'category' }])
    expect(() => shapeOf([modelWith('champion', [BALANCE]), other])).toThrow(
      'Model other 1 takes the attribute balance for category, model champion 1 for number',
    )
  })
})

describe('the mapping of the source', () => {
  const MAPPING: SourceMapping = {
    version: 1,
    format: 'csv',
    timeZone: '',
    columns: ['id', 'at', 'sum', 'saldo'].map((name) => ({ name, type: 'VARCHAR' })),
    fields: { transaction_id: '"id"', timestamp: '"at"', amount: '"sum"' },
    attributes: { balance: '"saldo"' },
  }

  test('is that of all models, with the attributes and columns of each', () => {
    const other = {
      ...MAPPING,
      columns: [...MAPPING.columns.slice(0, 3), { name: 'v', type: 'VARCHAR' }],
      attributes: { speed: '"v"' },
    }
    expect(mappingOf([mapped('champion', MAPPING), mapped('shadow', other)])).toEqual({
      mapping: {
        ...MAPPING,
        columns: [...MAPPING.columns, { name: 'v', type: 'VARCHAR' }],
        attributes: { balance: '"saldo"', speed: '"v"' },
      },
    })
  })

  test.each<[Partial<SourceMapping>, string]>([
    [{ fields: { ...MAPPING.fields, amount: 'money("sum")' } }, 'maps amount of the source by money("sum")'],
    [{ attributes: { balance: 'CAST("saldo" AS DOUBLE)' } }, 'maps attributes.balance of the source by CAST'],
    [{ columns: [{ name: 'sum', type: 'DOUBLE' }] }, 'maps the column sum of the source by DOUBLE'],
    [{ timeZone: 'Europe/Madrid' }, 'maps the time zone of the source by Europe/Madrid'],
    [{ format: 'parquet' }, 'maps the format of the source by parquet'],
  ])('there is none when two models map otherwise: %j', (change, sentence) => {
    const served = mappingOf([mapped('champion', MAPPING), mapped('other', { ...MAPPING, ...change })])
    expect('refusal' in served && served.refusal.message).toContain(sentence)
    expect('refusal' in served && served.refusal.code).toBe('SERVING_MAPPINGS_DIFFER')
  })

  test('there is none when a model has none', () => {
    const served = mappingOf([mapped('champion', MAPPING), modelWith('old', [])])
    expect('refusal' in served && served.refusal.message).toContain('The model old 1 does not say')
  })

  const mapped = (name: string, source: SourceMapping): LoadedModel => {
    const model = modelWith(name, [])
    return {
      ...model,
      artifact: { ...model.artifact, manifest: { ...model.artifact.manifest, source } },
    }
  }
})

describe('models with different attributes side by side', () => {
  let folder: string
  let remove: () => void
  let pipeline: OpenPipeline
  beforeEach(() => {
    ;({ folder, remove } = testFolder())
  })
  afterEach(async () => {
    await pipeline.close()
    remove()
  })

  test('each reads and cleans its own', async () => {
    const shadowed: number[] = []
    await open(
      {
        champion: modelWith('champion', [BALANCE], { balance: 100 }),
        shadow: modelWith('shadow', [SPEED], { speed: 7 }),
      },
      shadowed,
    )
    expect(pipeline.shape.attributes).toEqual([BALANCE, SPEED])
    // A score is the value of the attribute, told by the logistic function.
    expect(await scored(1, { balance: 3, speed: 4 })).toBe(logistic(3))
    expect(await scored(2, {})).toBe(logistic(100))
    expect(shadowed).toEqual([logistic(4), logistic(7)])
    expect((await pipeline.find('t2'))!.features.get('balance')).toBe(100)
  })

  test('a canary decides with its own too', async () => {
    await open({
      champion: modelWith('champion', [BALANCE], { balance: 1 }),
      canary: { model: modelWith('canary', [SPEED], { speed: 2 }), share: 1 },
    })
    expect(await scored(1, { balance: 3 })).toBe(logistic(2))
    expect(await scored(2, { balance: 3, speed: 4 })).toBe(logistic(4))
  })

  test('a switch changes what is read from the next request on, and states stay', async () => {
    await open({ champion: modelWith('champion', [BALANCE], {}) })
    await scored(1, { balance: 3, speed: 4 })
    await pipeline.useModels({ champion: modelWith('next', [SPEED], {}) })
    expect(pipeline.shape.attributes).toEqual([SPEED])
    expect(await scored(2, { speed: 5 })).toBe(logistic(5))
    const clash = modelWith('clash', [{ name: 'speed', kind: 'boolean' }], {})
    await expect(
      pipeline.useModels({ champion: modelWith('next', [SPEED], {}), shadow: clash }),
    ).rejects.toMatchObject({ code: 'SERVING_ATTRIBUTES_DIFFER' })
    expect(pipeline.models.map(({ name }) => name)).toEqual(['next'])
  })

  test('what was read for a model that went out of service meanwhile is read again', async () => {
    await open({ champion: modelWith('first', [BALANCE], {}) })
    await pipeline.predict({ ...PAYMENT, transactionId: 'known' }, 0)
    const readFor: string[] = []
    /** Whoever reads first sees the models change before anything is decided. */
    const reader =
      <T>(value: T, next: string) =>
      async (): Promise<T> => {
        readFor.push(pipeline.models[0]!.name)
        if (readFor.length === 1) await pipeline.useModels({ champion: modelWith(next, [BALANCE], {}) })
        return value
      }
    const transaction = { ...PAYMENT, transactionId: 't1', attributes: { balance: 2 } }
    const { model } = await pipeline.predict(reader(transaction, 'second'), 0)
    expect([...readFor, model.name]).toEqual(['first', 'second', 'second'])
    readFor.length = 0
    expect(await pipeline.applyFeedback(reader({ transactionId: 'known', isFraud: true }, 'third'))).toBe(
      'late',
    )
    expect(readFor).toEqual(['second', 'third'])
    // Read in peace, it is read once.
    await pipeline.predict(reader({ ...transaction, transactionId: 't2' }, 'none'), 0)
    expect(readFor).toEqual(['second', 'third', 'third'])
  })

  const open = async (models: ServingModels, shadowed: number[] = []): Promise<void> => {
    pipeline = await openInferencePipeline({
      models,
      tables: noTables(),
      states: { kind: 'owned', name: 'memory', store: createMemoryStateStore() },
      log: await openTestLog(folder),
      archive: `${folder}/archive`,
      database: { threads: 1, memoryLimit: '256MB', tempDirectory: `${folder}/spill` },
      settings: TEST_SETTINGS,
      observer: { ...silentObserver, shadowed: (_, probability) => void shadowed.push(probability) },
      world: TEST_WORLD,
    })
  }

  const scored = async (n: number, attributes: AttributeValues): Promise<number> =>
    (await pipeline.predict({ ...PAYMENT, transactionId: `t${n}`, attributes }, 0)).probability
})

const PAYMENT: Transaction = { transactionId: 't', userId: 'ada', eventTimeMs: 1e12, amountMinor: 100 }

const logistic = (value: number): number => scorerOf(['x']).scoreOne(Float64Array.of(value))

/** The value of the feature itself is the margin. */
const scorerOf = (featureNames: readonly string[]) =>
  createModelScorer(
    {
      kind: 'logistic_regression',
      featureNames,
      means: [0],
      scales: [1],
      coefficients: [1],
      intercept: 0,
    } as never,
    { method: 'none' },
  )

/** A model that scores by the first of its attributes, whose missing values it fills. */
const modelWith = (
  name: string,
  attributes: readonly Attribute[],
  fills: Readonly<Record<string, AttributeValue>> = {},
): LoadedModel => {
  const model = testModel(name)
  const small = smallSettings()
  const settings = {
    ...small,
    options: { ...small.options, attributes, entities: [], derived: [], aggregates: [] },
  }
  const features = attributes.slice(0, 1).map((attribute) => attribute.name)
  const cleaning: FittedCleaning = {
    ...model.cleaning,
    attributes: Object.fromEntries(
      Object.entries(fills).map(([of, fill]) => [of, { isCategory: false, fill }]),
    ),
  }
  return {
    ...model,
    settings,
    cleaning,
    fitted: { ...SMALL_FIT, attributes },
    computed: planFeatures(settings).features.map(({ feature }) => feature.name),
    scorer: { ...model.scorer, ...scorerOf(features), featureNames: features },
  }
}
