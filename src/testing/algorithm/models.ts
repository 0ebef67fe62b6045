import { ok } from 'node:assert/strict'
import type { FeatureTable } from '../../learning/feature-table.ts'
import type { Model } from '../../learning/model.ts'
import { decodeArtifact, encodeArtifact } from '../../model/artifact.ts'
import { createExplainer } from '../../model/explain/create-explainer.ts'
import { profileNumbers } from '../../model/reference-profile.ts'
import { createModelScorer } from '../../model/scorer.ts'
import { contentsOf } from '../artifact-contents.ts'
import { same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { codes, extremes, problem } from '../learning-problems.ts'
import { type AlgorithmSubject, checkProbabilities, law, rocAuc, rowsOf, scoresOf } from './algorithm-law.ts'

/** Of the models that are learned. */
export const modelLaws: readonly Law<AlgorithmSubject>[] = [
  ...[2, 3, 5].map((rows) =>
    law(5, `${rows} rows are enough for probabilities`, ({ learn }) => {
      for (const features of [1, 3]) {
        const data = problem(rows, 1, features)
        checkProbabilities(scoresOf(learn(data), data.table))
        checkProbabilities(scoresOf(learn(data), emptyRows(data.table)))
      }
    }),
  ),
  law(5, 'separable classes are told apart on rows that were not learnt from', ({ learn }) => {
    const judged = problem(300, 2)
    const scores = scoresOf(learn(problem(600, 1)), judged.table)
    checkProbabilities(scores)
    const area = rocAuc(judged.labels, scores)
    ok(area > 0.95, `frauds have the higher score in ${area} of the pairs, more than 0.95 is asked for`)
  }),
  law(5, 'the mean probability is about the share of frauds, a third', ({ learn }) => {
    const scores = scoresOf(learn(problem(300, 1)), problem(300, 2).table)
    const mean = scores.reduce((a, b) => a + b) / 300
    ok(Math.abs(mean - 1 / 3) < 0.05, `the mean probability is ${mean}`)
  }),
  law(5, 'extreme values, both zeros and values never seen give probabilities', ({ learn }) => {
    const data = extremes()
    checkProbabilities(scoresOf(learn(data), data.table))
    // Who learnt from ordinary values may be asked about others.
    checkProbabilities(scoresOf(learn(problem(120)), data.table))
  }),
  law(5, '0 and -0 are one value', ({ learn }) => {
    const data = extremes()
    const columns = data.table.columns.map((column) => column.map((value) => value + 0))
    const plain = { ...data, table: { ...data.table, columns } }
    const expected = scoresOf(learn(plain), plain.table)
    same(scoresOf(learn(plain), data.table), expected)
    same(scoresOf(learn(data), plain.table), expected)
  }),
  law(6, 'a model that went through an artifact scores to the bit what it scored before', ({ learn }) => {
    for (const data of [problem(200), codes(), extremes()]) {
      const model = learn(data)
      same(scoresOf(throughArtifact(model), data.table), scoresOf(model, data.table))
    }
  }),
  law(6, 'baseline and contributions sum to the margin', ({ learn }) => {
    for (const data of [problem(200), codes(), extremes()]) {
      const model = learn(data)
      const scorer = createModelScorer(model, { method: 'none' })
      const { baseline, explainOne } = createExplainer(model)
      const contributions = new Float64Array(data.table.columns.length)
      for (const row of rowsOf(data.table)) {
        explainOne(row, 0, contributions)
        const margin = scorer.marginOne(row)
        const sum = contributions.reduce((a, b) => a + b, baseline)
        ok(Math.abs(sum - margin) < 1e-9, `contributions sum to ${sum}, the margin is ${margin}`)
      }
    }
  }),
]

/** One row of which nothing is known. */
const emptyRows = (table: FeatureTable): FeatureTable => ({
  ...table,
  rowCount: 1,
  columns: table.columns.map(() => Float64Array.of(Number.NaN)),
})

const throughArtifact = (model: Model): Model => {
  const { reference, ...contents } = contentsOf(model)
  // What the features looked like is another matter: any profile does.
  const profiles = model.featureNames.map((name) => [name, profileNumbers(Float64Array.of(1))] as const)
  const files = encodeArtifact({
    ...contents,
    categorical: [],
    reference: { ...reference, features: Object.fromEntries(profiles) },
  })
  return decodeArtifact(files, 'the artifact').model
}
