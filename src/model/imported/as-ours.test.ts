import { describe, expect, test } from 'vitest'
import type { Feature } from '../../features/feature.ts'
import type { CategoryValue, ForeignCategories } from '../../learning/imported/foreign-model.ts'
import { readForeignModel } from '../../learning/imported/read-foreign-model.ts'
import { lightgbmText } from '../../learning/lightgbm/lightgbm-text.test-kit.ts'
import { walkTree } from '../../learning/trees/walk-tree.ts'
import { readXgboostModel } from '../../learning/xgboost/import-model.ts'
import { type AskedOfImport, asOurs } from './as-ours.ts'

const feature = (name: string, more: Partial<Feature> = {}): Feature => ({
  name,
  meaning: '',
  unit: 'index',
  range: [0, 1],
  missing: 'never',
  bind: () => () => 0,
  ...more,
})

const RUN = {
  folder: 'runs/bank',
  names: ['amount', 'channel_code'],
  features: [
    feature('amount'),
    feature('channel_code', { kind: 'categorical', phrase: { text: '{}', vocabulary: 'channel' } }),
    feature('hour'),
  ],
  fitted: {
    amountBandEdgesMinor: [],
    vocabularies: { channel: ['web', 'branch', 'phone'].map((value) => ({ value, share: 0.1 })) },
  },
}

interface FileParts {
  readonly names?: readonly string[]
  /** `cats.enc` of both features; absent: none, as before 3.1. */
  readonly enc?: unknown
  readonly places?: readonly number[]
  readonly isMissingLeft?: boolean
  readonly attributes?: object
  readonly trees?: number
}

/** Trees of one split on the second feature: the categories at `places` are 2, the others 1. */
const file = ({
  names = ['amount', 'channel_code'],
  enc,
  places = [1],
  isMissingLeft = true,
  attributes = {},
  trees = 1,
}: FileParts): string => {
  const tree = {
    left_children: [1, -1, -1],
    right_children: [2, -1, -1],
    split_indices: [1, 0, 0],
    split_conditions: [0, 1, 2],
    split_type: [1, 0, 0],
    default_left: [isMissingLeft ? 1 : 0, 0, 0],
    sum_hessian: [2, 1, 1],
    loss_changes: [3, 0, 0],
    categories: places,
    categories_nodes: [0],
    categories_segments: [0],
    categories_sizes: [places.length],
  }
  return JSON.stringify({
    learner: {
      attributes,
      feature_names: names,
      learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '2', num_target: '1' },
      objective: { name: 'binary:logistic' },
      gradient_booster: {
        name: 'gbtree',
        model: { trees: Array(trees).fill(tree), ...(enc !== undefined && { cats: { enc } }) },
      },
    },
    version: enc === undefined ? [3, 0, 5] : [3, 4, 1],
  })
}

const NOTHING = { offsets: [], values: [] }
const numbers = (...values: number[]) => [NOTHING, { type: 15, values }]
const texts = (...values: string[]) => [
  NOTHING,
  {
    offsets: [0, ...values].map((_, place) => Buffer.from(values.slice(0, place).join('')).length),
    values: [...Buffer.from(values.join(''))].map((byte) => (byte > 127 ? byte - 256 : byte)),
  },
]

const ours = (parts: FileParts, asked: AskedOfImport = {}) =>
  asOurs(readXgboostModel(file(parts)), 'model.json', RUN, asked)

/** What a row with this code, or NaN, gets: 2 where its category is one of the split's. */
const leafOf = (parts: FileParts, asked: AskedOfImport = {}) => {
  const { model } = ours(parts, asked)
  return (code: number) => walkTree(model.trees[0]!, [Float64Array.of(0), Float64Array.of(code)], 0)
}

describe('categories of an imported model', () => {
  test('are values that the file tells: its places are looked up in them', () => {
    const leaf = leafOf({ enc: numbers(2, 0, 1), places: [0] })
    expect([0, 1, 2].map(leaf)).toEqual([1, 1, 2])
  })

  test('are texts that the file tells: the run has codes for them, whatever their order', () => {
    const leaf = leafOf({ enc: texts('phone', 'web', 'branch'), places: [0, 2] })
    // web 0, branch 1, phone 2
    expect([0, 1, 2].map(leaf)).toEqual([1, 2, 2])
    expect(ours({ enc: texts('phone', 'web', 'branch') }).categories).toEqual({ channel_code: 'file' })
  })

  test.each([true, false])(
    'unknown to the frame go with the missing ones (left: %s), as in Python',
    (isMissingLeft) => {
      const leaf = leafOf({ enc: texts('web', 'phone'), places: [1], isMissingLeft })
      const missing = isMissingLeft ? 1 : 2
      // branch, unknown to the run, missing
      expect([0, 1, 2, -1, Number.NaN].map(leaf)).toEqual([1, missing, 2, missing, missing])
    },
  )

  test('are refused before 3.1 unless they are given, with how to get them', () => {
    expect(() => ours({})).toThrow(/channel_code: XGBoost 3\.0\.5 does not write the values of categories/)
    expect(() => ours({ enc: [] })).toThrow(/channel_code: the file has no values for them/)
    const given = leafOf({ places: [1] }, { categories: { channel_code: ['phone', 'branch', 'web'] } })
    expect([0, 1, 2].map(given)).toEqual([1, 2, 1])
    const values = leafOf({ places: [1] }, { categories: 'values' })
    expect([0, 1, 2].map(values)).toEqual([1, 2, 1])
  })

  test.each<[string, FileParts, AskedOfImport['categories'], RegExp]>([
    [
      'others than given',
      { enc: numbers(0, 1) },
      { channel_code: [1, 0] },
      /the file tells 0,1, and --categories 1,0/,
    ],
    ['fewer than given', { enc: numbers(0, 1) }, { channel_code: [0, 1, 2] }, /the file tells 0,1, and/],
    ['no values', { enc: numbers(0, 1) }, 'values', /the file tells its categories/],
    ['of no feature', {}, { shoe_size: [1] }, /feature shoe_size do not fit: the model has no such feature/],
    ['there twice', {}, { channel_code: ['web', 'web'] }, /one of them is there twice/],
    ['texts that the run does not know', { enc: texts('web', 'moon') }, undefined, /ask for "moon"/],
    ['codes that the run does not have', { enc: numbers(0, 77) }, undefined, /ask for 77/],
    [
      'fewer than the splits ask for',
      { places: [5] },
      { channel_code: ['web'] },
      /has 5 at node 0; allowed: places from 0 to 0/,
    ],
    [
      'texts of numbers',
      { names: ['amount', 'hour'], enc: texts('web', 'x') },
      undefined,
      /they are texts \("web"\), and its values are numbers/,
    ],
  ])('that are %s are refused', (_, parts, categories, reason) => {
    expect(() => ours(parts, categories === undefined ? {} : { categories })).toThrow(reason)
  })

  test('that the run does not know are no matter where no split asks for them', () => {
    const leaf = leafOf({ enc: texts('web', 'moon'), places: [0] })
    expect([0, 1, -1].map(leaf)).toEqual([2, 1, 1])
  })

  test('are refused when the sets of all splits would take too much memory', () => {
    const many = numbers(...Array.from({ length: 60_000 }, (_, code) => code))
    const run = { ...RUN, features: [feature('amount'), feature('channel_code')] }
    const read = readXgboostModel(file({ enc: many, trees: 334 }))
    expect(() => asOurs(read, 'model.json', run, {})).toThrow(
      /trees\[333\] has more categories, with the trees before/,
    )
  })

  test('beyond ASCII are told by 3.4, and not believed before', () => {
    const categories: readonly CategoryValue[] = ['ñandú', 'web']
    const told = (text: string): ForeignCategories | undefined => readXgboostModel(text).categories.get(1)
    const text = file({ enc: texts(...(categories as string[])) })
    expect(told(text)).toEqual({ values: categories })
    expect(told(text.replace('[3,4,1]', '[3,3,0]'))).toMatchObject({
      untold: expect.stringMatching(/cuts texts/),
    })
  })
})

describe('trees of an imported model', () => {
  const sklearn = '{"_estimator_type": "classifier"}'
  const stopped = { trees: 5, enc: numbers(0, 1), attributes: { best_iteration: '1' } }
  const trees = (parts: FileParts, asked: AskedOfImport = {}) => {
    const { model, treesWhy } = ours(parts, asked)
    return [model.trees.length, treesWhy]
  }

  test('are those that Python scores the same file with: a classifier up to the best, a booster all', () => {
    expect(trees({ ...stopped, attributes: { best_iteration: '1', scikit_learn: sklearn } })).toEqual([
      2,
      'up to the best round, as XGBClassifier',
    ])
    expect(trees(stopped)).toEqual([5, 'all, as Booster.predict; the best round ends with tree 2'])
    expect(trees({ ...stopped, attributes: { scikit_learn: sklearn } })[0]).toBe(5)
  })

  test('are what is asked for, when the file has them', () => {
    expect(trees(stopped, { trees: 'best' })).toEqual([2, 'up to the best round, as asked'])
    expect(trees(stopped, { trees: 'all' })).toEqual([5, 'all, as asked'])
    expect(trees(stopped, { trees: 3 })).toEqual([3, 'as asked'])
    expect(() => trees(stopped, { trees: 6 })).toThrow(/it has 5 trees, asked for are 6/)
    expect(() => trees({ enc: numbers(0, 1) }, { trees: 'best' })).toThrow(/names no round as the best/)
  })
})

describe('what counts as missing in an imported model', () => {
  const saying = (missing: string) => ({
    attributes: { scikit_learn: `{"missing": ${missing}, "gamma": NaN}` },
  })
  const asked = { categories: { channel_code: ['web', 'phone'] } }

  test('is what its owner says, or a file of 1.7', () => {
    expect(ours({}, { ...asked, missingValue: -1 }).model.missingValue).toBe(-1)
    expect(ours(saying('-999.0'), asked).model.missingValue).toBe(-999)
    expect(ours(saying('NaN'), asked).model).not.toHaveProperty('missingValue')
  })

  test('is refused when the two differ, or when it is a category too', () => {
    expect(() => ours(saying('-1'), { ...asked, missingValue: 0 })).toThrow(
      /cannot take --missing 0: the file says -1/,
    )
    expect(() => ours({}, { ...asked, missingValue: 0 })).toThrow(/0 is the place or the value of one/)
  })
})

describe('columns of the training frame whose names the file does not tell', () => {
  /** Two category columns, of which the second is split as a number: it is in an order. */
  const text = lightgbmText({
    names: 'amount channel_code hour',
    trees: [
      'split_feature=1 2',
      'threshold=0 1',
      'decision_type=1 10',
      'left_child=-1 -2',
      'right_child=1 -3',
      'leaf_value=1 2 3',
      'cat_boundaries=0 1',
      'cat_threshold=2',
    ],
    columns: [
      ['phone', 'web'],
      [7, 5, 9],
    ],
  })
  const imported = (categories?: AskedOfImport['categories'], source = text) =>
    asOurs(
      readForeignModel(Buffer.from(source)),
      'model.txt',
      { ...RUN, names: [] },
      { ...(categories && { categories }) },
    )
  const COLUMNS = { hour: [7, 5, 9], channel_code: ['phone', 'web'] }

  test('are places of what --categories names, at splits of any kind', () => {
    const { model, categories } = imported(COLUMNS)
    expect(categories).toEqual({ channel_code: 'given', hour: 'given' })
    const leaf = (channel: number, hour: number) =>
      walkTree(
        model.trees[0]!,
        [0, channel, hour].map((value) => Float64Array.of(value)),
        0,
      )
    // web 0, branch 1 (which the frame did not have), phone 2
    expect([0, 1, 2, Number.NaN].map((channel) => leaf(channel, 7))).toEqual([1, 2, 2, 2])
    // Places 0 and 1 go left, and so does what is missing, as the split says.
    expect([7, 5, 9, 4, Number.NaN].map((hour) => leaf(1, hour))).toEqual([2, 2, 3, 2, 2])
  })

  test.each<[string, AskedOfImport['categories'], RegExp]>([
    ['not named', undefined, /values of 2 category columns without their names: "phone","web"; 7,5,9$/],
    ['said to be values', 'values', /2 category columns without their names/],
    ['named in part', { hour: [7, 5, 9] }, /without their names: .*; --categories has 1$/],
    [
      'in another order',
      { ...COLUMNS, hour: [5, 7, 9] },
      /of the feature hour do not fit: the file tells 7,5,9, and/,
    ],
    [
      'of other features',
      { amount: ['phone', 'web'], hour: [7, 5, 9] },
      /feature amount do not fit: they are texts/,
    ],
  ])('are refused when they are %s', (_, categories, reason) => {
    expect(() => imported(categories)).toThrow(reason)
  })

  test('may be none: numbers of categorical splits are values then, if Python wrote the file', () => {
    const own = text.replace(/pandas_categorical:.*/, 'pandas_categorical:null')
    expect(imported(undefined, own).categories).toEqual({ channel_code: 'file' })
    expect(() => imported({ channel_code: [1] }, own)).toThrow(/the file's numbers are its own values/)
    const untold = text.replace(/pandas_categorical:.*/, '')
    expect(() => imported(undefined, untold)).toThrow(/channel_code: Python has not written the file/)
    expect(imported('values', untold).categories).toEqual({ channel_code: 'values' })
  })

  test('are no place for a number that counts as missing: LightGBM has none', () => {
    expect(() =>
      asOurs(readForeignModel(Buffer.from(text)), 'model.txt', RUN, {
        categories: COLUMNS,
        missingValue: -1,
      }),
    ).toThrow(/cannot take --missing -1: LightGBM has no such setting/)
  })
})

describe('a model of CatBoost', () => {
  /** One split: amount above 50, or the category of this hash. Leaves: -1 and 2. The margin begins with 3. */
  const file = (categories: readonly string[], classes: readonly unknown[] = [0, 1]) => ({
    features_info: {
      float_features: [
        { feature_id: 'amount', feature_index: 0, flat_feature_index: 0, nan_value_treatment: 'AsIs' },
      ],
      categorical_features: [{ feature_id: 'channel_code', feature_index: 0, flat_feature_index: 1 }],
      cat_features_hash: categories.map((value, at) => ({ hash: 4_000_000_000 + at, value })),
    },
    model_info: {
      catboost_version_info: 'Branch: tags/v1.2.10',
      params: { loss_function: { type: 'Logloss' } },
      class_params: { class_names: classes },
    },
    oblivious_trees: [
      {
        leaf_values: [-1, 2],
        leaf_weights: [5, 6],
        splits: [
          categories.length === 0
            ? { split_type: 'FloatFeature', float_feature_index: 0, border: 50 }
            : { split_type: 'OneHotFeature', cat_feature_index: 0, value: 4_000_000_000 - 2 ** 32 },
        ],
      },
    ],
    scale_and_bias: [1, [3]],
  })
  const imported = (value: unknown, asked: AskedOfImport = {}, run = RUN) =>
    asOurs(readForeignModel(Buffer.from(JSON.stringify(value))), 'model.json', run, asked)
  const margin = ({ model }: ReturnType<typeof imported>, amount: number, channel: number) =>
    model.base + walkTree(model.trees[0]!, [Float64Array.of(amount), Float64Array.of(channel)], 0)

  test('gives the probability of the second label: which one is fraud is asked unless they are 0 and 1', () => {
    const plain = imported(file([]))
    expect([margin(plain, 50, 0), margin(plain, 51, 0)]).toEqual([2, 5])
    const texts = file([], ['fraud', 'ok'])
    expect(() => imported(texts)).toThrow(
      /tells the labels "fraud" and "ok" apart, and nothing says which of them is fraud/,
    )
    expect(() => imported(texts, { positiveClass: 'Fraud' })).toThrow(/--positive-class is Fraud/)
    expect(margin(imported(texts, { positiveClass: 'ok' }), 50, 0)).toBe(2)
    expect(margin(imported(texts, { positiveClass: 'fraud' }), 50, 0)).toBe(-2)
    expect(() => imported(file([], [1, 0]))).toThrow(/the labels "1" and "0" apart/)
    for (const classes of [[], [false, true], ['False', 'True'], ['0', '1']])
      expect(margin(imported(file([], classes)), 50, 0)).toBe(2)
    expect(margin(imported(file([], []), { positiveClass: '0' }), 50, 0)).toBe(-2)
  })

  test('has its categories as texts: of the vocabulary, or codes where all are whole numbers', () => {
    const leaves = (value: unknown, asked?: AskedOfImport, run = RUN) => {
      const model = imported(value, asked, run)
      return [0, 1, 2, -1, Number.NaN].map((code) => margin(model, 0, code))
    }
    // web 0, branch 1, phone 2
    expect(leaves(file(['phone']))).toEqual([2, 2, 5, 2, 2])
    expect(leaves(file(['1', '0']))).toEqual([2, 5, 2, 2, 2])
    expect(imported(file(['phone'])).categories).toEqual({ channel_code: 'file' })
    expect(() => imported(file(['moon']))).toThrow(/ask for "moon", which the run does not tell/)
    const numbers = {
      ...RUN,
      fitted: {
        ...RUN.fitted,
        vocabularies: { channel: ['2', '0', '1'].map((value) => ({ value, share: 0.1 })) },
      },
    }
    expect(() => imported(file(['2']), {}, numbers)).toThrow(
      /channel_code: the file has "2" as texts, which are values of the run and may be its codes/,
    )
    expect(leaves(file(['2']), { categories: { channel_code: ['2'] } }, numbers)).toEqual([5, 2, 2, 2, 2])
    expect(leaves(file(['2']), { categories: { channel_code: [2] } }, numbers)).toEqual([2, 2, 5, 2, 2])
  })
})

describe('names of the features of an imported model', () => {
  test.each([[[]], [['f0', 'f1']], [['0', '1']]])(
    'are those of the run where the file has places: %j',
    (names) => {
      const { model, namesFrom } = ours({ names, enc: numbers(0, 1) })
      expect([model.featureNames, namesFrom]).toEqual([RUN.names, 'run'])
    },
  )

  test('are refused when the run does not compute them; whole numbers that are no places are told', () => {
    expect(() => ours({ names: ['amount', 'star_sign'] })).toThrow(/does not compute: star_sign$/)
    expect(() => ours({ names: ['1', '0'] })).toThrow(/1, 0 \(whole numbers, as a frame without column names/)
  })
})
