import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calibrate } from '../learning/calibration/calibration.ts'
import { probabilityOfMargin } from '../learning/trees/flat-trees.ts'
import { contentsOf, LINEAR, TREES } from './artifact.test-kit.ts'
import { decodeArtifact, encodeArtifact } from './artifact.ts'
import { createModelScorer, createScorer } from './scorer.ts'

const NONE = { method: 'none' } as const
const FOREST = { ...TREES, kind: 'random_forest', link: 'identity', base: 0.25 } as const
const { calibration: ISOTONIC } = contentsOf(TREES).manifest
const PLATT = { method: 'platt', slope: 1.3, intercept: -0.2 } as const

describe.each([
  ['logistic regression', LINEAR],
  ['boosted trees', TREES],
  ['a forest', FOREST],
  ['trees to which -1 is missing', { ...TREES, missingValue: -1 }],
  ['trees to which 0 is missing in a feature', { ...TREES, zeroIsMissing: [1] }],
])('scoring with %s', (_, model) => {
  test.each([NONE, ISOTONIC, PLATT])(
    'law: a row alone has the bits that it has among others (%o)',
    (calibration) => {
      const scorer = createModelScorer(model, calibration)
      fc.assert(
        fc.property(rows, (values) => {
          const out = new Float64Array(values.length)
          scorer.scoreMany(tableOf(values), out)
          values.forEach((row, index) => {
            expect(Object.is(out[index], scorer.scoreOne(row))).toBe(true)
            expect(Object.is(out[index], scorer.scoreOne([7, ...row, 7], 1))).toBe(true)
          })
        }),
      )
    },
  )

  test('law: the probability is the calibrated one of the margin', () => {
    const scorer = createModelScorer(model, ISOTONIC)
    const link = 'link' in model ? model.link : 'logistic'
    fc.assert(
      fc.property(row, (vector) => {
        const raw = probabilityOfMargin(link, scorer.marginOne(vector))
        expect(scorer.scoreOne(vector)).toBe(calibrate(ISOTONIC, raw))
      }),
    )
  })

  test('law: a probability lies in [0, 1]', () => {
    const scorer = createModelScorer(model, PLATT)
    fc.assert(
      fc.property(row, (vector) => {
        const probability = scorer.scoreOne(vector)
        expect(probability >= 0 && probability <= 1).toBe(true)
      }),
    )
  })

  test('an artifact of it scores the same bits', () => {
    const fromArtifact = createScorer(decodeArtifact(encodeArtifact(contentsOf(model)), 'here'))
    const before = createModelScorer(model, ISOTONIC)
    fc.assert(
      fc.property(row, (vector) => {
        expect(Object.is(fromArtifact.scoreOne(vector), before.scoreOne(vector))).toBe(true)
      }),
    )
  })
})

describe('a scorer', () => {
  const contents = contentsOf(LINEAR)
  const manifest = { ...contents.manifest, threshold: 0.5, calibration: NONE }
  const scorer = createScorer(decodeArtifact(encodeArtifact({ ...contents, manifest }), 'here'))

  test('gives the probability of the intercept at the means', () => {
    expect(scorer.scoreOne([10, 12])).toBe(1 / (1 + Math.exp(2)))
    expect(scorer.marginOne([10, 12])).toBe(-2)
  })

  test('adds the leaves of all trees to the base', () => {
    const trees = createModelScorer(TREES, NONE)
    expect(trees.marginOne([200, 0])).toBe(-1 + 0.5 + 1 / 7)
    expect(trees.marginOne([200, 1])).toBe(-1 + 2 + 1 / 7)
    expect(trees.marginOne([Number.NaN, 1])).toBe(-1 - 1 + 1 / 7)
  })

  test('flags from the threshold on, itself included', () => {
    expect([0.4999, 0.5, 0.7].map((probability) => scorer.isFlagged(probability))).toEqual([
      false,
      true,
      true,
    ])
  })

  test('names risk levels from their bounds on', () => {
    const levels = [0, 0.1, 0.49, 0.5, 0.9, 1].map((probability) => scorer.riskLevel(probability))
    expect(levels).toEqual(['low', 'medium', 'medium', 'high', 'critical', 'critical'])
  })
})

describe('a model that takes a number for missing', () => {
  const scorer = createModelScorer({ ...TREES, missingValue: 0.1 }, NONE)
  const plain = createModelScorer(TREES, NONE)

  test('law: rows that hold it score as rows with NaN, all others as without it', () => {
    fc.assert(
      fc.property(row, fc.constantFrom(0, 1), (vector, place) => {
        const [without, holding] = [vector, vector].map((values) => [...values])
        without![place] = Number.NaN
        holding![place] = 0.1
        expect(scorer.marginOne(holding!)).toBe(plain.marginOne(without!))
        expect(scorer.marginOne(vector)).toBe(plain.marginOne(vector))
      }),
    )
  })

  test('takes 0 for missing in features where it is so, within 1e-35 of it', () => {
    const zero = createModelScorer({ ...TREES, zeroIsMissing: [0] }, NONE)
    const missing = plain.marginOne([Number.NaN, 0])
    expect([0, -0, 1e-35, -1e-35].map((x) => zero.marginOne([x, 0]))).toEqual(new Array(4).fill(missing))
    for (const x of [1.1e-35, -1.1e-35, 1]) expect(zero.marginOne([x, 0])).toBe(plain.marginOne([x, 0]))
    expect(plain.marginOne([0, 0])).not.toBe(missing)
    const other = createModelScorer({ ...TREES, zeroIsMissing: [1] }, NONE)
    expect(other.marginOne([0, Number.NaN])).toBe(plain.marginOne([0, Number.NaN]))
  })

  test('compares as floats: what rounds to the same one is missing, its neighbour is not', () => {
    const missing = plain.marginOne([Number.NaN, 0])
    expect([0.1, Math.fround(0.1), 0.1 + 1e-9].map((x) => scorer.marginOne([x, 0]))).toEqual(
      [0, 0, 0].fill(missing),
    )
    expect(scorer.marginOne([0.1 + 1e-8, 0])).toBe(plain.marginOne([0.1, 0]))
    expect(plain.marginOne([0.1, 0])).not.toBe(missing)
  })
})

const value = fc.oneof(
  fc.integer({ min: -2, max: 300 }),
  fc.constant(Number.NaN),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
)
const row = fc.tuple(value, value)
const rows = fc.array(row, { maxLength: 300 })

const tableOf = (values: readonly (readonly [number, number])[]) => ({
  names: ['amount', 'category'],
  rowCount: values.length,
  columns: [0, 1].map((f) => Float64Array.from(values, (vector) => vector[f]!)),
})
