import { definedOrNull } from '../foundation/defined-or-null.ts'
import { averagePrecision } from './average-precision.ts'
import { bestF1Threshold } from './best-threshold.ts'
import { calibrationCurve, calibrationError } from './calibration-curve.ts'
import { confusionAt, f1Of, precisionOf, recallOf } from './confusion.ts'
import { expectedCost, hasCosts, minCostThreshold } from './cost.ts'
import { dailyPrecision, perfectDailyPrecision } from './daily-precision.ts'
import type { Figure, ScoredRows } from './figure.ts'
import { brierScore, logLoss } from './probability-loss.ts'
import { rocAuc } from './roc-auc.ts'

// To add a figure, write its record and add it to the list at the end: CONTRIBUTING.md, "a figure".

/** What a figure of the order of scores, or of probabilities, is made of. */
type LabelsAndScores = Pick<ScoredRows, 'labels' | 'scores'>

export const ROC_AUC = {
  name: 'roc_auc',
  title: 'ROC-AUC',
  meaning: 'Chance that a fraud scores above a genuine transaction; a random model has 0.5.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'the rows are all fraud or all genuine',
  needs: [],
  shownIn: ['tiles', 'candidates', 'slices', 'lists'],
  of: ({ labels, scores }: LabelsAndScores) => rocAuc(labels, scores),
  ofResample: ({ rightPairs, frauds, genuine }) => rightPairs / (frauds * genuine),
} as const satisfies Figure

export const AVERAGE_PRECISION = {
  name: 'average_precision',
  title: 'average precision',
  shortTitle: 'avg. prec.',
  meaning: 'Area under the precision-recall curve; a random model has the share of fraud.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'no row is fraud',
  needs: [],
  shownIn: ['tiles', 'candidates', 'slices', 'lists'],
  of: ({ labels, scores }: LabelsAndScores) => averagePrecision(labels, scores),
  ofResample: ({ precisionSum, frauds }) => precisionSum / frauds,
} as const satisfies Figure

const PRECISION = {
  name: 'precision',
  title: 'precision',
  meaning: 'Share of the flagged transactions that are fraud.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'no row is flagged',
  needs: ['threshold'],
  shownIn: ['tiles', 'candidates', 'slices'],
  of: ({ labels, scores, threshold }) => precisionOf(confusionAt(labels, scores, threshold)),
  ofResample: ({ caught, falseAlarms }) => caught / (caught + falseAlarms),
} as const satisfies Figure

const RECALL = {
  name: 'recall',
  title: 'recall',
  meaning: 'Share of the frauds that are flagged.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'no row is fraud',
  needs: ['threshold'],
  shownIn: ['tiles', 'candidates', 'slices'],
  of: ({ labels, scores, threshold }) => recallOf(confusionAt(labels, scores, threshold)),
  ofResample: ({ caught, frauds }) => caught / frauds,
} as const satisfies Figure

const F1 = {
  name: 'f1',
  title: 'F1',
  meaning: 'Harmonic mean of precision and recall.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'no row is fraud and none is flagged',
  needs: ['threshold'],
  shownIn: [],
  of: ({ labels, scores, threshold }) => f1Of(confusionAt(labels, scores, threshold)),
  atBestThreshold: ({ labels, scores }) => bestF1Threshold(labels, scores)?.f1 ?? Number.NaN,
  ofResample: ({ caught, falseAlarms, frauds }) => (2 * caught) / (caught + falseAlarms + frauds),
} as const satisfies Figure

/** Card precision top-k of the card-fraud handbook; see `dailyPrecision`. */
const DAILY_PRECISION = {
  name: 'daily_precision',
  title: 'daily precision at k',
  meaning:
    'Share of truly defrauded ones among the k with the highest score of a day (evaluation.top_k), mean over the days.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'there are no rows',
  needs: ['days'],
  shownIn: ['tiles', 'candidates'],
  of: (rows) => dailyPrecision(rows, rows.k).mean,
  ofResample: (resample) => resample.dailyPrecision,
  ofPerfectModel: (rows) => perfectDailyPrecision(rows, rows.k),
} as const satisfies Figure

export const LOG_LOSS = {
  name: 'log_loss',
  title: 'log loss',
  meaning: 'Mean surprise at the truth, in nats; 0 is perfect.',
  unit: 'nats',
  range: [0, Number.POSITIVE_INFINITY],
  better: 'lower',
  undefinedWhen: 'there are no rows',
  needs: [],
  shownIn: ['candidates'],
  of: ({ labels, scores }: LabelsAndScores) => logLoss(labels, scores),
} as const satisfies Figure

const BRIER_SCORE = {
  name: 'brier_score',
  title: 'Brier score',
  meaning: 'Mean squared distance of probability and truth; 0 is perfect.',
  unit: 'squared probability',
  range: [0, 1],
  better: 'lower',
  undefinedWhen: 'there are no rows',
  needs: [],
  shownIn: [],
  of: ({ labels, scores }: LabelsAndScores) => brierScore(labels, scores),
  ofResample: ({ squaredErrors, frauds, genuine }) => squaredErrors / (frauds + genuine),
} as const satisfies Figure

const CALIBRATION_ERROR = {
  name: 'calibration_error',
  title: 'calibration error',
  meaning: 'Mean distance of the probability told and the share of fraud that came, over ten equal bins.',
  unit: 'probability',
  range: [0, 1],
  better: 'lower',
  undefinedWhen: 'there are no rows',
  needs: [],
  shownIn: ['tiles'],
  of: ({ labels, scores }: LabelsAndScores) => calibrationError(calibrationCurve(labels, scores)),
} as const satisfies Figure

const EXPECTED_COST = {
  name: 'expected_cost',
  title: 'expected cost',
  meaning: 'Mean cost of a transaction at the threshold, by the cost matrix (evaluation.costs).',
  unit: 'minor units',
  range: [0, Number.POSITIVE_INFINITY],
  better: 'lower',
  undefinedWhen: 'nothing costs anything, or there are no rows',
  needs: ['threshold', 'costs'],
  shownIn: ['candidates'],
  of: ({ labels, scores, threshold, costs, amountsMinor }) =>
    hasCosts(costs) ? expectedCost(labels, scores, threshold, { matrix: costs, amountsMinor }) : Number.NaN,
  atBestThreshold: ({ labels, scores, costs, amountsMinor }) =>
    minCostThreshold(labels, scores, { matrix: costs, amountsMinor })?.cost ?? Number.NaN,
} as const satisfies Figure

const RECORDS = [
  ROC_AUC,
  AVERAGE_PRECISION,
  PRECISION,
  RECALL,
  F1,
  DAILY_PRECISION,
  LOG_LOSS,
  BRIER_SCORE,
  CALIBRATION_ERROR,
  EXPECTED_COST,
] as const

type FigureRecord = (typeof RECORDS)[number]
type Without<Need, R = FigureRecord> = R extends { readonly needs: readonly (infer N)[] }
  ? [Extract<N, Need>] extends [never]
    ? R
    : never
  : never
type CamelCase<Name extends string> = Name extends `${infer Word}_${infer Rest}`
  ? `${Word}${Capitalize<CamelCase<Rest>>}`
  : Name

/** `roc_auc`. */
export type FigureName = FigureRecord['name']

/** `rocAuc`. */
export type FigureKey = CamelCase<FigureName>

/** What a search can score by: what needs no threshold, or has a best one. */
export type ScoringName =
  | Without<'threshold'>['name']
  | Extract<FigureRecord, { readonly atBestThreshold: unknown }>['name']

/** What versions can be compared by that were trained with other settings of days and costs. */
export type ComparableName = Without<'days' | 'costs'>['name']

/** A record whose name the compiler knows. */
export interface NamedFigure<Name extends FigureName = FigureName> extends Figure {
  readonly name: Name
}

/** All figures, in the order in which they are shown. */
export const FIGURES: readonly NamedFigure[] = RECORDS

/** Those that a search can score by. */
export const SCORING_FIGURES = FIGURES.filter(
  ({ needs, atBestThreshold }) => !needs.includes('threshold') || atBestThreshold !== undefined,
) as readonly NamedFigure[] as readonly NamedFigure<ScoringName>[]

/** Those by which versions can be compared, whatever settings they were trained with. */
export const COMPARABLE_FIGURES = FIGURES.filter(
  ({ needs }) => !needs.includes('days') && !needs.includes('costs'),
) as readonly NamedFigure[] as readonly NamedFigure<ComparableName>[]

/** Those that a place with little room shows. */
export const figuresIn = (place: Figure['shownIn'][number]): readonly NamedFigure[] =>
  FIGURES.filter(({ shownIn }) => shownIn.includes(place))

/** The record of a name. */
export const figureNamed = (name: FigureName): NamedFigure => FIGURES.find((figure) => figure.name === name)!

const camelCase = (name: string): string =>
  name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** Values by `keyOf` their figure; null where one is not defined. */
export type FigureValues = Readonly<Record<FigureKey, number | null>>

/** The name of a figure in JSON files: `rocAuc` of `roc_auc`. */
export const keyOf = ({ name }: Pick<NamedFigure, 'name'>): FigureKey => camelCase(name) as FigureKey

type PerfectName = Extract<FigureRecord, { readonly ofPerfectModel: unknown }>['name']

/** What a model that knows the truth reaches, where that is not the better end: `perfectDailyPrecision`. */
export type PerfectValues = Readonly<Record<`perfect${Capitalize<CamelCase<PerfectName>>}`, number | null>>

/** The name in JSON files of what a perfect model reaches: `perfectDailyPrecision` of `daily_precision`. */
export const perfectKeyOf = (figure: NamedFigure): keyof PerfectValues =>
  camelCase(`perfect_${figure.name}`) as keyof PerfectValues

/** What a perfect model reaches on these rows; null where that is not defined. */
export const perfectFiguresOf = (rows: ScoredRows): PerfectValues =>
  Object.fromEntries(
    FIGURES.flatMap((figure) =>
      figure.ofPerfectModel === undefined
        ? []
        : [[perfectKeyOf(figure), definedOrNull(figure.ofPerfectModel(rows))]],
    ),
  ) as PerfectValues

/** Every figure of scored rows. */
export const allFiguresOf = (rows: ScoredRows): FigureValues => figuresOf(rows, FIGURES) as FigureValues

/** These figures of scored rows. */
export const figuresOf = (rows: ScoredRows, figures: readonly NamedFigure[]): Partial<FigureValues> =>
  Object.fromEntries(figures.map((figure) => [keyOf(figure), definedOrNull(figure.of(rows))]))
