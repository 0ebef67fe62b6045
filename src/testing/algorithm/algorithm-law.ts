import { ok } from 'node:assert/strict'
import { type Algorithm, fitAlone, type TrainingData } from '../../learning/algorithm.ts'
import type { FeatureTable } from '../../learning/feature-table.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer } from '../../model/scorer.ts'
import { lawMaker } from '../law.ts'

/** An algorithm, and how far each law binds it. */
export interface AlgorithmSubject {
  readonly algorithm: Algorithm<never>
  /** What it is fitted with, by the names that it takes. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Why it cannot run here; all its laws are then skipped. */
  readonly unavailable?: string
  /**
   * Changes of `settings` with which another seed gives another model: none where it always does; or why
   * there are none.
   */
  readonly drawing: Readonly<Record<string, unknown>> | string
  /**
   * Largest difference of scores that the law allows, 0 for equal to the bit; or why the law does not bind
   * this algorithm.
   */
  readonly orderOfRows: number | string
  readonly weightsAsRepetition: number | string
  readonly constantFeature: number | string
  /** Why it cannot learn from a value's absence; absent when it can. */
  readonly blindToAbsence?: string
  /** Why it cannot learn from codes without an order; absent when it can. */
  readonly blindToCodes?: string
}

/** Settings that differ from those of the subject, and a seed other than 7. */
export type Changes = Readonly<Record<string, unknown>> & { readonly seed?: number }

interface Tools {
  readonly subject: AlgorithmSubject
  readonly learn: (data: TrainingData, changes?: Changes) => Model
}

const makeLaw = lawMaker<AlgorithmSubject, Tools>((subject, check) => {
  const { algorithm, settings } = subject
  const learn: Tools['learn'] = (data, { seed = 7, ...changes } = {}) =>
    fitAlone(algorithm, data, { ...settings, ...changes } as never, seed)
  return check({ subject, learn })
})

export const law = (
  number: number,
  title: string,
  check: (tools: Tools) => void,
  notBound: (subject: AlgorithmSubject) => string | undefined = () => undefined,
): Law => makeLaw(number, title, check, (subject) => subject.unavailable ?? notBound(subject))

type Law = ReturnType<typeof makeLaw>

/** A law that allows scores to differ as far as the subject says. */
export const nearlyLaw = (
  number: number,
  title: string,
  bound: 'orderOfRows' | 'weightsAsRepetition' | 'constantFeature',
  check: (tools: Tools & { readonly limit: number }) => void,
): Law =>
  law(
    number,
    title,
    (tools) => check({ ...tools, limit: Number(tools.subject[bound]) }),
    (subject) => (typeof subject[bound] === 'string' ? subject[bound] : undefined),
  )

export const scoresOf = (model: Model, table: FeatureTable): Float64Array => {
  const out = new Float64Array(table.rowCount)
  createModelScorer(model, { method: 'none' }).scoreMany(table, out)
  return out
}

export const rowsOf = ({ columns, rowCount }: FeatureTable): readonly Float64Array[] =>
  Array.from({ length: rowCount }, (_, row) => Float64Array.from(columns, (column) => column[row]!))

/** Between the scores of two models; `tableOfA` has the rows as the first model takes them. */
export const largestDifference = (a: Model, b: Model, table: FeatureTable, tableOfA = table): number => {
  const other = scoresOf(b, table)
  return scoresOf(a, tableOfA).reduce((most, score, row) => Math.max(most, Math.abs(score - other[row]!)), 0)
}

export const checkSameScores = (
  a: Model,
  b: Model,
  table: FeatureTable,
  limit: number,
  tableOfA = table,
): void => {
  const difference = largestDifference(a, b, table, tableOfA)
  ok(difference <= limit, `scores differ by ${difference}, ${limit} is allowed`)
}

export const checkProbabilities = (scores: Float64Array): void => {
  const odd = scores.findIndex((score) => !(score >= 0 && score <= 1))
  ok(odd < 0, `row ${odd} has the score ${scores[odd]}`)
}

/**
 * Share of the pairs of a fraud and a genuine row in which the fraud has the higher score; equal scores count
 * half.
 */
export const rocAuc = (labels: ArrayLike<number>, scores: Float64Array): number => {
  const of = (label: number) => scores.filter((_, row) => labels[row] === label)
  let higher = 0
  for (const fraud of of(1))
    for (const genuine of of(0)) higher += fraud > genuine ? 1 : fraud === genuine ? 0.5 : 0
  return higher / (of(1).length * of(0).length)
}
