import { VigiaError } from '../../errors.ts'
import { createRandom } from '../../foundation/random.ts'
import { shuffle } from '../../foundation/shuffle.ts'
import type { FeatureTable } from '../feature-table.ts'

/** Rows that a model is judged on. */
export interface LabelledRows {
  readonly table: FeatureTable
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
}

/** What permutation asks of a model and of a metric. */
export interface PermutationTools {
  /** One score of each row as it is: a probability, or what ranks like one. */
  readonly scores: Float64Array
  /**
   * Makes the function that scores the rows anew when feature `feature` has other values. undefined when the
   * model never looks at the feature, which then loses nothing and costs nothing.
   */
  readonly rescorer: (feature: number) => ((values: Float64Array) => Float64Array) | undefined
  /** Quality of scores; more is better. */
  readonly metric: (labels: Uint8Array, scores: Float64Array) => number
  readonly signal?: Pick<AbortSignal, 'aborted'>
  readonly onFeature?: (done: number, total: number) => void
}

export interface PermutationImportance {
  /**
   * Mean of quality before less quality after, over the shuffles, in the unit of the metric; below 0 when
   * shuffling helped.
   */
  readonly loss: number
  /** Standard deviation over the shuffles (population, as scikit-learn's). */
  readonly deviation: number
}

/**
 * How much quality a model loses when the values of one feature are shuffled among the rows (Breiman, 2001;
 * Fisher, Rudin and Dominici, 2019), by feature in the order of the table. Use rows that the model did not
 * learn from: on those it knows, noise looks useful. Of two features that say the same, each may seem
 * useless, as the other remains.
 *
 * The shuffles of a feature depend on the seed, its name and their number alone, not on the other features.
 *
 * @throws INTERRUPTED when cancelled
 */
export const permutationImportance = (
  { table, labels }: LabelledRows,
  { scores, rescorer, metric, signal, onFeature }: PermutationTools,
  { repeats, seed }: { readonly repeats: number; readonly seed: number },
): readonly PermutationImportance[] => {
  const before = metric(labels, scores)
  const random = createRandom(seed).fork('permutation')
  return table.columns.map((column, feature) => {
    if (signal?.aborted) throw new VigiaError('INTERRUPTED', { activity: 'permuting features' })
    onFeature?.(feature, table.columns.length)
    const scoreWith = rescorer(feature)
    if (scoreWith === undefined) return { loss: 0, deviation: 0 }
    const ofFeature = random.fork(table.names[feature]!)
    const losses = Array.from({ length: repeats }, (_, repeat) => {
      const shuffled = column.slice()
      shuffle(shuffled, ofFeature.fork(String(repeat)))
      return before - metric(labels, scoreWith(shuffled))
    })
    const loss = losses.reduce((sum, value) => sum + value, 0) / repeats
    const squares = losses.reduce((sum, value) => sum + (value - loss) * (value - loss), 0)
    return { loss, deviation: Math.sqrt(squares / repeats) }
  })
}
