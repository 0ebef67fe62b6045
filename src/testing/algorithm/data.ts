import { ok } from 'node:assert/strict'
import { createRandom } from '../../foundation/random.ts'
import type { TrainingData } from '../../learning/algorithm.ts'
import { refusesAtOnce } from '../assertions.ts'
import type { Law } from '../law.ts'
import {
  codes,
  dataOf,
  type Labelled,
  problem,
  shuffled,
  takeRows,
  withColumn,
} from '../learning-problems.ts'
import {
  type AlgorithmSubject,
  checkSameScores,
  largestDifference,
  law,
  nearlyLaw,
  rocAuc,
  scoresOf,
} from './algorithm-law.ts'

const SEEDS = [1, 2, 3, 4]

/** What is wrong, the code that refuses it, and rows made wrong in this way. */
const REFUSED: readonly (readonly [string, string, (data: Labelled) => TrainingData])[] = [
  ['no rows', 'LEARNING_NO_ROWS', (data) => takeRows(data, [])],
  [
    'a label that is no number',
    'LEARNING_LABEL_INVALID',
    (data) => ({
      ...data,
      labels: Float64Array.from(data.labels, (label, row) => (row === 3 ? Number.NaN : label)),
    }),
  ],
  [
    'a label of 2',
    'LEARNING_LABEL_INVALID',
    (data) => ({ ...data, labels: data.labels.map((label, row) => (row === 3 ? 2 : label)) }),
  ],
  [
    'fewer labels than rows',
    'LEARNING_LENGTHS_DIFFER',
    (data) => ({ ...data, labels: data.labels.slice(1) }),
  ],
  [
    'fewer weights than rows',
    'LEARNING_LENGTHS_DIFFER',
    (data) => ({ ...data, weights: new Float64Array(19).fill(1) }),
  ],
  ...[-1, Number.NaN, Number.POSITIVE_INFINITY].map(
    (weight) =>
      [
        `a weight of ${weight}`,
        'LEARNING_WEIGHT_INVALID',
        (data: Labelled) => ({ ...data, weights: new Float64Array(20).fill(1).fill(weight, 4, 5) }),
      ] as const,
  ),
]

/** Of the rows: what must make no difference, what can be learned from, and what is refused. */
export const dataLaws: readonly Law<AlgorithmSubject>[] = [
  nearlyLaw(2, 'the order of rows changes nothing', 'orderOfRows', ({ learn, limit }) => {
    for (const seed of SEEDS) {
      const data = problem(120, seed)
      const order = shuffled(120, seed)
      checkSameScores(learn(takeRows(data, order)), learn(data), data.table, limit)
    }
  }),
  nearlyLaw(2, 'a weight of n is the row n times, of 0 no row', 'weightsAsRepetition', ({ learn, limit }) => {
    for (const seed of SEEDS) {
      const data = seed === 4 ? codes() : problem(120, seed)
      const random = createRandom(seed)
      const weights = Float64Array.from(data.labels, () => random.integer(4))
      const repeated = [...weights].flatMap((weight, row) => new Array<number>(weight).fill(row))
      for (const classWeight of ['none', 'balanced']) {
        const weighted = learn({ ...data, weights }, { classWeight })
        const expected = learn(takeRows(data, repeated), { classWeight })
        checkSameScores(weighted, expected, data.table, limit)
        // Weights do something, so that the law says something.
        const difference = largestDifference(weighted, learn(data, { classWeight }), data.table)
        ok(difference > 1e-4, 'weights make no difference')
      }
    }
  }),
  nearlyLaw(2, 'a constant feature changes no score', 'constantFeature', ({ learn, limit }) => {
    for (const constant of [0, 7.1, Number.NaN]) {
      const data = problem(120)
      const beside = withColumn(data, 'constant', new Float64Array(120).fill(constant))
      checkSameScores(learn(beside), learn(data), data.table, limit, beside.table)
    }
  }),
  law(
    3,
    'that a value is missing can be all there is to learn',
    ({ learn }) => {
      const random = createRandom(4)
      // A quarter of the rows, which no habit of sending the missing with the many would tell apart.
      const isAbsent = Array.from({ length: 200 }, (_, row) => row % 4 === 0)
      const values = Float64Array.from(isAbsent, (absent) => (absent ? Number.NaN : random.next()))
      for (const absentLabel of [0, 1]) {
        const labels = Uint8Array.from(isAbsent, (absent) => (absent ? absentLabel : 1 - absentLabel))
        const data = dataOf([values], labels)
        checkToldApart(rocAuc(labels, scoresOf(learn(data), data.table)))
      }
    },
    ({ blindToAbsence }) => blindToAbsence,
  ),
  law(
    3,
    'codes are told apart though they have no order',
    ({ learn }) => {
      const data = codes()
      // By one split: many of them would part numbers too.
      const model = learn(data, { trees: 1, maxDepth: 1 })
      checkToldApart(rocAuc(data.labels, scoresOf(model, data.table)))
    },
    ({ blindToCodes }) => blindToCodes,
  ),
  law(4, 'rows of one class are refused', ({ learn }) => {
    const data = problem(20)
    for (const label of [0, 1])
      refusesAtOnce(() => learn({ ...data, labels: new Uint8Array(20).fill(label) }), 'LEARNING_ONE_CLASS')
  }),
  law(4, 'a class of which no row has a weight is none', ({ learn }) => {
    const data = problem(20)
    for (const label of [0, 1]) {
      const weights = Float64Array.from(data.labels, (own) => (own === label ? 0 : 1))
      refusesAtOnce(() => learn({ ...data, weights }), 'LEARNING_ONE_CLASS')
    }
  }),
  ...REFUSED.map(([what, code, spoil]) =>
    law(4, `${what} is refused`, ({ learn }) => refusesAtOnce(() => learn(spoil(problem(20))), code)),
  ),
]

const checkToldApart = (area: number): void =>
  ok(area > 0.95, `frauds have the higher score in ${area} of the pairs, more than 0.95 is asked for`)
