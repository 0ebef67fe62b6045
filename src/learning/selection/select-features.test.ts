import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FeatureTable } from '../feature-table.ts'
import type { SelectionTools } from './score-features.ts'
import { selectFeatures } from './select-features.ts'
import type { FeatureSelectionSettings } from './selected-features.ts'

const none = Number.NaN
const labels = Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1)
const table = tableOf({
  constant: [3, 3, 3, 3, 3, 3, 3, 3, 3, 3],
  telling: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  double: [2, 4, 6, 8, 10, 12, 14, 16, 18, 20],
  hardly: [1, 2, 1, 2, 1, 2, 1, 2, 1, 2],
  never: [none, none, none, none, none, none, none, none, none, none],
})

test('by default only what does not vary is dropped', async () => {
  const { kept, dropped } = await selectFeatures(table, labels, DEFAULTS, tools)
  expect(kept).toEqual(['telling', 'double', 'hardly'])
  expect(dropped).toEqual([
    { feature: 'constant', by: 'min_variance', reason: 'it is constant' },
    { feature: 'never', by: 'min_variance', reason: 'it never has a value' },
  ])
})

test('without any step all features stay', async () => {
  const { kept, dropped } = await selectFeatures(table, labels, { ...DEFAULTS, minVariance: null }, tools)
  expect(kept).toEqual(table.names)
  expect(dropped).toEqual([])
})

test('a constant that is missing in some rows stays: that it is missing may say something', async () => {
  const gone = tableOf({ gone: [1, 1, 1, 1, 1, none, none, none, none, none] })
  expect((await selectFeatures(gone, labels, DEFAULTS, tools)).kept).toEqual(['gone'])
})

test('a variance is compared with the bound, but not that of codes', async () => {
  const small = { ...table, categorical: ['hardly'] }
  const { kept, dropped } = await selectFeatures(small, labels, { ...DEFAULTS, minVariance: 9 }, tools)
  expect(kept).toEqual(['double', 'hardly'])
  expect(dropped[1]).toEqual({
    feature: 'telling',
    by: 'min_variance',
    reason: 'its variance of 8.25 is not above 9',
  })
})

test('of two that say the same the first stays, with the figures', async () => {
  const { kept, dropped } = await selectFeatures(table, labels, { ...DEFAULTS, maxCorrelation: 0.9 }, tools)
  expect(kept).toEqual(['telling', 'hardly'])
  expect(dropped[1]).toEqual({
    feature: 'double',
    by: 'max_correlation',
    reason:
      'it correlates 1 (spearman) with telling, whose mutual information with the label is 0.693 nats to its 0.693',
  })
})

test('the highest scores stay, in the table’s order', async () => {
  const settings = { ...DEFAULTS, score: 'mutual_information', keep: 1 } as const
  const { kept, dropped, scores } = await selectFeatures(table, labels, settings, tools)
  expect(kept).toEqual(['telling'])
  expect(dropped.find(({ feature }) => feature === 'hardly')).toEqual({
    feature: 'hardly',
    by: 'keep',
    reason: 'its mutual information of 0.0201 is not among the 1 highest',
  })
  expect(scores[1]).toEqual({
    feature: 'telling',
    missing: 0,
    variance: 8.25,
    mutualInformation: expect.closeTo(Math.LN2, 12),
    score: expect.closeTo(Math.LN2, 12),
    deviation: null,
    pValue: null,
  })
  expect(scores[4]).toMatchObject({ feature: 'never', missing: 1, variance: null, score: null })
})

test('scores below the least are dropped, with p-values for chi-squared', async () => {
  const settings = { ...DEFAULTS, score: 'chi_squared', minScore: 5 } as const
  const { kept, scores } = await selectFeatures(table, labels, settings, tools)
  expect(kept).toEqual(['telling', 'double'])
  // Two values in two classes, 3 and 2 of 5: the statistic is .4, one degree of freedom.
  expect(scores[3]!.score).toBeCloseTo(0.4, 12)
  expect(scores[3]!.pValue).toBeCloseTo(0.527, 3)
})

test('a model’s importance is a share of its gain, on what is left by then', async () => {
  const settings = { ...DEFAULTS, score: 'importance', keep: 2 } as const
  const asked: (readonly string[])[] = []
  const fit: SelectionTools['fit'] = (rows) => {
    asked.push(rows.table.names)
    return { gains: [1, 0, 3], score: () => new Float64Array() }
  }
  const { kept, scores } = await selectFeatures(table, labels, settings, { ...tools, fit })
  expect(asked).toEqual([['telling', 'double', 'hardly']])
  expect(kept).toEqual(['telling', 'hardly'])
  expect(scores.map(({ score }) => score)).toEqual([null, 0.25, 0, 0.75, null])
})

test('permutation learns from the first rows and measures on the last', async () => {
  const settings = { ...DEFAULTS, score: 'permutation', keep: 1 } as const
  const seen: number[] = []
  const fit: SelectionTools['fit'] = async (rows) => {
    seen.push(rows.table.rowCount)
    return {
      gains: [1, 0, 0],
      score: ({ rowCount, columns }) => {
        seen.push(rowCount)
        return columns[0]!
      },
    }
  }
  const shuffledLabels = Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 0, 1, 1)
  const { kept, scores } = await selectFeatures(table, shuffledLabels, settings, { ...tools, fit })
  expect(kept).toEqual(['telling'])
  // 5 to learn from; 5 scored once as they are, and twice with `telling` shuffled.
  expect(seen).toEqual([5, 5, 5, 5])
  expect(scores[1]!.score).toBeGreaterThan(0)
  expect(scores[2]).toMatchObject({ score: 0, deviation: 0 })
})

test('permutation needs both classes among the last rows', async () => {
  const settings = { ...DEFAULTS, score: 'permutation' } as const
  await expect(selectFeatures(table, labels, settings, tools)).rejects.toThrow('got 5 frauds in 5 rows')
})

test('a selection that leaves nothing is refused with what dropped it', async () => {
  const settings = { ...DEFAULTS, score: 'mutual_information', minScore: 9 } as const
  await expect(selectFeatures(table, labels, settings, tools)).rejects.toThrow(
    'The selection drops all 5 features: 2 by selection.min_variance, 3 by selection.min_score',
  )
})

test('law: features are kept or dropped, once each; the order of columns changes the order alone', async () => {
  await fc.assert(
    fc.asyncProperty(
      tables,
      fc.constantFrom(0.5, 0.9, 1),
      fc.constantFrom(0, 1, 2),
      async (drawn, like, keep) => {
        const settings = {
          ...DEFAULTS,
          minVariance: null,
          maxCorrelation: like,
          score: 'mutual_information',
          keep,
        } as const
        const { kept, dropped, scores } = await selectFeatures(drawn, labels, settings, tools)
        expect([...kept, ...dropped.map(({ feature }) => feature)].sort()).toEqual(drawn.names.toSorted())
        expect(scores.map(({ feature }) => feature)).toEqual(drawn.names)
        // Ties go to the earlier feature, so only without them does the order not matter.
        const information = scores.map(({ mutualInformation }) => mutualInformation)
        fc.pre(new Set(information).size === information.length)
        const reversed = { ...drawn, names: drawn.names.toReversed(), columns: drawn.columns.toReversed() }
        expect((await selectFeatures(reversed, labels, settings, tools)).kept).toEqual(kept.toReversed())
      },
    ),
  )
})

const DEFAULTS: FeatureSelectionSettings = {
  minVariance: 0,
  maxCorrelation: 1,
  correlation: 'spearman',
  score: 'none',
  keep: 0,
  minScore: null,
  bins: 2,
  permutation: { repeats: 2, heldOut: 0.5 },
}

const tools: SelectionTools = {
  fit: () => {
    throw new Error('no model was to be asked')
  },
  // Share of the frauds that score above the mean.
  metric: (outcome, scores) => {
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
    return scores.filter((score, row) => outcome[row] === 1 && score > mean).length
  },
  seed: 1,
}

function tableOf(columns: Readonly<Record<string, readonly number[]>>): FeatureTable {
  return {
    names: Object.keys(columns),
    rowCount: Object.values(columns)[0]?.length ?? 0,
    columns: Object.values(columns).map((column) => Float64Array.from(column)),
  }
}

/** Ten rows of 1 to 4 features of small whole numbers. */
const tables = fc
  .array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 10, maxLength: 10 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((columns) => tableOf(Object.fromEntries(columns.map((column, f) => [`feature_${f}`, column]))))
