import type { CostMatrix } from './cost.ts'

/** Rows that models are judged on, one entry a row. */
export interface JudgedRows {
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
  /** Whole days since the first day of the part. */
  readonly days: Int32Array
  /** Who is looked at each day, users for instance, as small whole numbers from 0. */
  readonly entities: Uint32Array
  /** In minor units; NaN counts as 0. */
  readonly amountsMinor: ArrayLike<number>
}

/** Judged rows with a model's scores, and what turns scores into decisions and costs. */
export interface ScoredRows extends JudgedRows {
  /** Probability of fraud, not NaN. */
  readonly scores: Float64Array
  /** A row is flagged when its score is at least this. */
  readonly threshold: number
  /** Entities looked at a day. */
  readonly k: number
  readonly costs: CostMatrix
}

/** What the bootstrap counts in one resample of the rows: figures with an interval are made of these. */
export interface Resample {
  readonly frauds: number
  readonly genuine: number
  /** Frauds and genuine rows that score at least the threshold. */
  readonly caught: number
  readonly falseAlarms: number
  /** Pairs of a fraud and a genuine row that stand in the right order; a tie counts half. */
  readonly rightPairs: number
  /** Sum over thresholds of (frauds gained) x precision. */
  readonly precisionSum: number
  /** Sum over rows of the squared distance of score and label. */
  readonly squaredErrors: number
  /** Mean over resampled days of the share of the `k` looked at that was compromised; NaN without days. */
  readonly dailyPrecision: number
}

/**
 * A figure that says what a model is worth: one record, from which evaluation, intervals, gates, search,
 * reports, terminal and tracking take its name, its words and its direction.
 */
export interface Figure {
  /** In settings, and in trackers below the part: `roc_auc`, `test.roc_auc`. In JSON files it is `rocAuc`. */
  readonly name: string
  /** In running text: `average precision`. One that needs days ends with `k`. */
  readonly title: string
  /** Where a column is narrow; default: `title`. */
  readonly shortTitle?: string
  /** One sentence. */
  readonly meaning: string
  /** Of the value, for people: `share`, `nats`. */
  readonly unit: string
  /** Least and greatest possible value, both included. */
  readonly range: readonly [least: number, greatest: number]
  readonly better: 'higher' | 'lower'
  /** When it has no value: `no row is fraud`. */
  readonly undefinedWhen: string
  /**
   * What it depends on beside labels and scores: the threshold of the model, the days and entities with
   * `evaluation.top_k`, the amounts with `evaluation.costs`. One that needs days says nothing of a part of a
   * day's rows; those without `days` and `costs` compare versions that were trained with other settings.
   */
  readonly needs: readonly ('threshold' | 'days' | 'costs')[]
  /** Places with little room that show it. Tables with a line for each figure show it anyway. */
  readonly shownIn: readonly Place[]
  /** Its value; NaN when it is not defined. Scores are not NaN. */
  readonly of: (rows: ScoredRows) => number
  /**
   * Of a figure that needs a threshold: its value at the threshold that makes the most of it, which a search
   * compares, for there no threshold is chosen yet. Absent where that says nothing: the best recall is that
   * of flagging everything.
   */
  readonly atBestThreshold?: (rows: Omit<ScoredRows, 'threshold'>) => number
  /** Its value on one resample; without it the figure has no interval. */
  readonly ofResample?: (resample: Resample) => number
  /**
   * What a model that knows the truth reaches on these rows, where that is not the better end of the range.
   */
  readonly ofPerfectModel?: (rows: ScoredRows) => number
}

/**
 * - `tiles`: the large figures at the head of the evaluation page
 * - `candidates`: its table of models side by side
 * - `slices`: its tables of groups of rows
 * - `lists`: lists of models, runs and versions on the terminal, and the tags of a version
 */
export type Place = 'tiles' | 'candidates' | 'slices' | 'lists'

/** The title as it begins a line or heads a column: `Average precision`. */
export const headingOf = ({ title }: Pick<Figure, 'title'>): string =>
  title.charAt(0).toUpperCase() + title.slice(1)

/** The title where `k` is known: `daily precision at 100 users`. */
export const titleWith = (
  { title, needs }: Pick<Figure, 'title' | 'needs'>,
  { k, entity }: { readonly k: number; readonly entity: string },
): string => (needs.includes('days') ? title.replace(/\bk$/, `${k} ${entity}s`) : title)

/** Whether values are told with three decimals, as shares are; others with three significant digits. */
export const isShare = ({ unit }: Pick<Figure, 'unit'>): boolean => unit === 'share'

/** Whether `value` is as good as `bound`, or better. */
export const reaches = ({ better }: Pick<Figure, 'better'>, value: number, bound: number): boolean =>
  better === 'higher' ? value >= bound : value <= bound

/** The value that is worse than `value` by `margin`. */
export const worseBy = ({ better }: Pick<Figure, 'better'>, value: number, margin: number): number =>
  better === 'higher' ? value - margin : value + margin

/** `least` of a figure of which more is better, as in "at least 0.5"; else `most`. */
export const boundWord = ({ better }: Pick<Figure, 'better'>): 'least' | 'most' =>
  better === 'higher' ? 'least' : 'most'

/** `less` of a figure of which more is better, as in "0.01 less"; else `more`. */
export const worseWord = ({ better }: Pick<Figure, 'better'>): 'less' | 'more' =>
  better === 'higher' ? 'less' : 'more'
