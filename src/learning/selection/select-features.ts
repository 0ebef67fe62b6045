import { VigiaError } from '../../errors.ts'
import type { FeatureTable } from '../feature-table.ts'
import { absoluteCorrelations } from './correlation.ts'
import { findLikeFeatures } from './correlation-groups.ts'
import { mutualInformation } from './mutual-information.ts'
import { countFeature, type Scored, type SelectionTools, scoreFeatures } from './score-features.ts'
import type { DroppedFeature, FeatureSelection, FeatureSelectionSettings } from './selected-features.ts'
import { spreadOf } from './variance.ts'

/**
 * Chooses features by what the training rows say. Each step sees what the one before left:
 *
 * 1. `minVariance` drops features that do not vary. A constant that is missing in some rows stays: that it is
 *    missing may say something. The codes of a categorical feature have no variance to compare: it goes only
 *    when it is constant.
 * 2. `maxCorrelation` drops what repeats a feature with more mutual information with the label
 *    (`findLikeFeatures`).
 * 3. `score` scores what is left; a model's importance is then not divided among repetitions.
 * 4. `minScore` drops low scores, `keep` all but the highest; of equal scores the earlier feature stays.
 *
 * Rows are in arrival order; only those of training may be passed. The same rows, settings and seed give the
 * same selection, given that `tools.fit` does.
 *
 * @throws SELECTION_KEEPS_NOTHING; LEARNING_ONE_CLASS when permutation would measure on one class;
 * INTERRUPTED when cancelled
 */
export const selectFeatures = async (
  table: FeatureTable,
  labels: Uint8Array,
  settings: FeatureSelectionSettings,
  tools: SelectionTools,
): Promise<FeatureSelection> => {
  const spreads = table.columns.map(spreadOf)
  const dropped = new Map<number, Omit<DroppedFeature, 'feature'>>()
  const left = (): readonly number[] => [...table.names.keys()].filter((f) => !dropped.has(f))

  for (const f of left()) {
    const reason = reasonToDropByVariance(table, f, spreads[f]!, settings.minVariance)
    if (reason !== undefined) dropped.set(f, { by: 'min_variance', reason })
  }

  // Asked by one step or two, computed once.
  const information = new Map<number, number>()
  const informationOf = (f: number): number => {
    const value = information.get(f) ?? mutualInformation(countFeature(table, labels, f, settings.bins))
    information.set(f, value)
    return value
  }

  if (settings.maxCorrelation < 1) {
    for (const [f, reason] of repetitions(table, left(), informationOf, settings)) {
      dropped.set(f, { by: 'max_correlation', reason })
    }
  }

  const asked = left()
  const scores = new Map<number, Scored>()
  if (asked.length > 0) {
    const askedOnes = columnsOf(table, asked)
    const found = await scoreFeatures(askedOnes, labels, settings, tools, (i) => informationOf(asked[i]!))
    asked.forEach((f, i) => {
      scores.set(f, found[i]!)
    })
  }
  if (settings.score !== 'none') {
    for (const [f, drop] of lowScores(asked, (f) => scores.get(f)!.score!, settings)) dropped.set(f, drop)
  }
  if (left().length === 0) throw keepsNothing([...dropped.values()])

  return {
    kept: left().map((f) => table.names[f]!),
    dropped: [...table.names.keys()].flatMap((f) =>
      dropped.has(f) ? [{ feature: table.names[f]!, ...dropped.get(f)! }] : [],
    ),
    scoredBy: settings.score,
    scores: table.names.map((feature, f) => ({
      feature,
      missing: table.rowCount === 0 ? 0 : 1 - spreads[f]!.present / table.rowCount,
      variance: Number.isFinite(spreads[f]!.variance) ? spreads[f]!.variance : null,
      mutualInformation: information.get(f) ?? null,
      ...(scores.get(f) ?? { score: null, deviation: null, pValue: null }),
    })),
  }
}

/** The table with these features alone, in this order; columns are shared, not copied. */
const columnsOf = (table: FeatureTable, features: readonly number[]): FeatureTable => ({
  ...table,
  names: features.map((f) => table.names[f]!),
  columns: features.map((f) => table.columns[f]!),
  ...(table.categorical && {
    categorical: table.categorical.filter((name) => features.includes(table.names.indexOf(name))),
  }),
})

const reasonToDropByVariance = (
  table: FeatureTable,
  f: number,
  { present, variance }: { present: number; variance: number },
  minVariance: number | null,
): string | undefined => {
  if (minVariance === null) return undefined
  if (present === 0) return 'it never has a value'
  if (present < table.rowCount) return undefined
  if (variance === 0) return 'it is constant'
  const isCategorical = table.categorical?.includes(table.names[f]!) === true
  if (isCategorical || variance > minVariance) return undefined
  return `its variance of ${short(variance)} is not above ${short(minVariance)}`
}

const repetitions = (
  table: FeatureTable,
  features: readonly number[],
  informationOf: (feature: number) => number,
  { correlation, maxCorrelation }: FeatureSelectionSettings,
): readonly (readonly [number, string])[] => {
  const relevance = features.map(informationOf)
  const correlations = absoluteCorrelations(columnsOf(table, features), correlation)
  return findLikeFeatures(correlations, relevance, maxCorrelation).map(
    ({ dropped, keptInstead, absolute }) => [
      features[dropped]!,
      `it correlates ${short(absolute)} (${correlation}) with ${table.names[features[keptInstead]!]}, whose mutual information with the label is ${short(relevance[keptInstead]!)} nats to its ${short(relevance[dropped]!)}`,
    ],
  )
}

const lowScores = (
  features: readonly number[],
  scoreOf: (feature: number) => number,
  { score, keep, minScore }: FeatureSelectionSettings,
): readonly (readonly [number, Omit<DroppedFeature, 'feature'>])[] => {
  const name = score.replace('_', ' ')
  const tooLow = features.filter((f) => minScore !== null && scoreOf(f) < minScore)
  const ranked = features
    .filter((f) => !tooLow.includes(f))
    .toSorted((a, b) => scoreOf(b) - scoreOf(a) || a - b)
  const tooMany = keep === 0 ? [] : ranked.slice(keep)
  return [
    ...tooLow.map((f) => {
      const reason = `its ${name} of ${short(scoreOf(f))} is below ${short(minScore!)}`
      return [f, { by: 'min_score', reason }] as const
    }),
    ...tooMany.map((f) => {
      const reason = `its ${name} of ${short(scoreOf(f))} is not among the ${keep} highest`
      return [f, { by: 'keep', reason }] as const
    }),
  ]
}

const keepsNothing = (drops: readonly Omit<DroppedFeature, 'feature'>[]): VigiaError => {
  const steps = [...new Set(drops.map(({ by }) => by))]
  const reasons = steps
    .map((step) => `${drops.filter(({ by }) => by === step).length} by selection.${step}`)
    .join(', ')
  return new VigiaError('SELECTION_KEEPS_NOTHING', { features: drops.length, reasons })
}

/** Three significant digits, which is what a reason needs. */
const short = (value: number): string => String(Number(value.toPrecision(3)))
