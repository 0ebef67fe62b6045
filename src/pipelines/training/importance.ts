import { averagePrecision } from '../../evaluation/average-precision.ts'
import { createRandom, type Random } from '../../foundation/random.ts'
import type { FeatureTable } from '../../learning/feature-table.ts'
import type { Model } from '../../learning/model.ts'
import type { ModelScorer } from '../../model/scorer.ts'
import type { EvaluationReport } from './evaluation-report.ts'

type Importance = EvaluationReport['importance']

/** Rows that features are shuffled on at most; more are sampled, because every feature costs a few times their scoring. */
export const PERMUTATION_ROWS = 20_000
export interface PermutationOptions {
  readonly seed: number
  /** Times that each feature is shuffled; 0: nothing is measured. */
  readonly repeats: number
  /** Default: 20,000. */
  readonly maxRows?: number
  readonly signal?: AbortSignal
  readonly onFeature?: (done: number, total: number) => void
}

/**
 * How much average precision falls when one feature's values are shuffled among the rows (Breiman 2001): mean and standard deviation
 * over the shuffles, the largest first, equal ones by name. Empty when the rows do not hold both classes.
 *
 * A feature that no split of the model asks for has 0 without being tried. Each feature has a random stream of its own, so that one
 * more or fewer changes none of the others.
 */
export const permutationImportance = (
  scorer: ModelScorer,
  model: Model,
  { table, labels }: { readonly table: FeatureTable; readonly labels: Uint8Array },
  { seed, repeats, maxRows = PERMUTATION_ROWS, signal, onFeature }: PermutationOptions,
): Importance['permutation'] => {
  const random = createRandom(seed).fork('permutation importance')
  const rows = sampleRows(table.rowCount, maxRows, random.fork('rows'))
  const sampled = Uint8Array.from(rows, (row) => labels[row]!)
  if (repeats === 0 || !sampled.includes(1) || !sampled.includes(0)) return []
  const columns: readonly Float64Array[] = table.columns.map((column) =>
    Float64Array.from(rows, (row) => column[row]!),
  )
  const scores = new Float64Array(rows.length)
  const worthOf = (tried: readonly Float64Array[]): number => {
    scorer.scoreMany({ names: table.names, rowCount: rows.length, columns: tried }, scores)
    return averagePrecision(sampled, scores)
  }
  const whole = worthOf(columns)
  const used = usedFeatures(model)
  const found = table.names.map((feature, f) => {
    signal?.throwIfAborted()
    onFeature?.(f, table.names.length)
    if (!used.has(f)) return { feature, drop: 0, deviation: 0 }
    const stream = random.fork(feature)
    const drops = Array.from(
      { length: repeats },
      () => whole - worthOf(columns.with(f, shuffled(columns[f]!, stream))),
    )
    const drop = drops.reduce((sum, one) => sum + one, 0) / repeats
    const squares = drops.reduce((sum, one) => sum + (one - drop) ** 2, 0)
    return { feature, drop, deviation: Math.sqrt(squares / repeats) }
  })
  return found.sort((a, b) => b.drop - a.drop || (a.feature < b.feature ? -1 : 1))
}

/** Each feature's share of all that the model's splits lowered the training loss by, the largest first; empty without trees. */
export const gainImportance = (model: Model): Importance['gain'] => {
  if (model.kind === 'logistic_regression') return []
  const gains = new Float64Array(model.featureNames.length)
  for (const { feature, gain } of model.trees)
    for (let node = 0; node < feature.length; node++)
      if (feature[node]! >= 0) gains[feature[node]!]! += gain[node]!
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  return model.featureNames
    .map((feature, f) => ({ feature, share: total > 0 ? gains[f]! / total : 0 }))
    .sort((a, b) => b.share - a.share || (a.feature < b.feature ? -1 : 1))
}

/** Weight of each standardised feature, the largest first; empty for a model that is not linear. */
export const coefficientsOf = (model: Model): Importance['coefficients'] =>
  model.kind === 'logistic_regression'
    ? model.featureNames
        .map((feature, f) => ({ feature, weight: model.coefficients[f]! }))
        .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    : []

const usedFeatures = (model: Model): ReadonlySet<number> =>
  new Set(
    model.kind === 'logistic_regression'
      ? model.coefficients.flatMap((weight, f) => (weight === 0 ? [] : [f]))
      : model.trees.flatMap(({ feature }) => [...new Set(feature)]).filter((f) => f >= 0),
  )

/** All rows, or `count` of them, each set equally likely, ascending (Knuth's algorithm S). */
const sampleRows = (rows: number, count: number, random: Random): Uint32Array => {
  const chosen = new Uint32Array(Math.min(rows, count))
  let taken = 0
  for (let row = 0; taken < chosen.length; row++)
    if (rows - row <= chosen.length - taken || random.next() * (rows - row) < chosen.length - taken)
      chosen[taken++] = row
  return chosen
}

/** A copy in random order (Fisher and Yates). */
const shuffled = (values: Float64Array, random: Random): Float64Array => {
  const copy = values.slice()
  for (let last = copy.length - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const kept = copy[last]!
    copy[last] = copy[other]!
    copy[other] = kept
  }
  return copy
}
