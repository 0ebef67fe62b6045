import type { Observations } from './observations.ts'
import { chartOf, furthestOn } from './series-chart.ts'
import { fitSeriesModel, type SeriesModel } from './series-model.ts'

/** Charts of all series, and how far a day may be off on any of them. */
export interface Calibration {
  /** By series; undefined where its history is too short to expect anything. */
  readonly models: readonly (SeriesModel | undefined)[]
  /** By series, shrunk towards the mean of all. */
  readonly kurtoses: readonly number[]
  /** By series, what its chart values are divided by: above 1 for those that go by limits of their own. */
  readonly widths: readonly number[]
  /** What at most the allowed share of days without drift exceeds, on any chart. */
  readonly limit: number
  /** Days of the history that the limit is a quantile over. */
  readonly days: number
  /** Of each of those days its largest chart value, in order of the days. */
  readonly maxima: readonly number[]
}

/** Standard deviations. Where nothing ever moves all charts are at rounding, and above it is no news. */
const LEAST_LIMIT = 1e-9

/** Days that models need to chart a week from the days before it alone. */
const ENOUGH_BEFORE = 56

/** Days that must be left where a week and its neighbours are not fitted on: of fewer, models are worse. */
const ENOUGH_APART = 42

/**
 * Beyond this on a fiftieth of the days, and on two, a series does what its model knows nothing of: counts
 * that outgrow the bins of the training jump as one large merchant after the other leaves the last bin.
 */
const WILD = 7
const WILD_SHARE = 0.02

/** What a wild series may do beyond the furthest that it has done. */
const WILD_MARGIN = 1.5

/** As many days of one's own kurtosis as weigh what the mean of all series weighs. */
const SHRINKAGE = 50

/**
 * Fits all series, and takes the limit of their maximum from days that the fits have not seen: week by week
 * is charted by models of other days, and the limit is the conformal quantile of what those days reached
 * (Vovk et al., 2005). A maximum over all series holds the rate whatever their dependence (Westfall and
 * Young, 1993); limits from days that were fitted on would be far too low. Series that were wild on these
 * days are held against what they have done themselves: they would set the limit of all others.
 *
 * @param share of days that may be beyond without drift
 */
export const calibrate = (series: readonly Observations[], share: number): Calibration => {
  const days = series[0]?.days ?? new Int32Array(0)
  const full = modelsOf(series, () => true)
  const furthest = furthestUnseen(series)
  const wild = furthest.map(isWild)
  const mayCount = (of: number) => !wild[of] || wild.every(Boolean)
  const maxima = Array.from(days, (_, at) =>
    furthest.reduce((most, values, of) => (mayCount(of) ? larger(most, values[at]!) : most), Number.NaN),
  ).filter((maximum) => !Number.isNaN(maximum))
  const limit = Math.max(LEAST_LIMIT, conformalQuantile(maxima, 1 - share))
  return {
    models: full.models,
    kurtoses: full.kurtoses,
    widths: furthest.map((values, of) =>
      mayCount(of) ? 1 : Math.max(1, (WILD_MARGIN * values.reduce(larger, Number.NaN)) / limit),
    ),
    limit,
    days: maxima.length,
    maxima,
  }
}

/** By series, how far each day is off on either chart of models that were not fitted on it. */
const furthestUnseen = (series: readonly Observations[]): Float64Array[] => {
  const days = series[0]?.days ?? new Int32Array(0)
  const furthest = series.map(() => new Float64Array(days.length).fill(Number.NaN))
  for (const week of new Set(Array.from(days, weekOf))) {
    const { models, kurtoses } = modelsOf(series, fittedFor(days, week))
    const charted = days.map((_, at) => at).filter((at) => weekOf(days[at]!) === week)
    for (const [of, observations] of series.entries()) {
      const model = models[of]
      if (model === undefined) continue
      const chart = chartOf(observations, model, kurtoses[of]!)
      for (const at of charted) furthest[of]![at] = Math.abs(furthestOn(chart, at))
    }
  }
  return furthest
}

const isWild = (furthest: Float64Array): boolean => {
  const known = furthest.filter((value) => !Number.isNaN(value))
  const beyond = known.filter((value) => value > WILD).length
  return beyond >= Math.max(2, WILD_SHARE * known.length)
}

/**
 * The ⌈(n + 1) q⌉-th smallest of n values: a further value, exchangeable with them, is above it with
 * probability at most 1 - q. The largest where n is too small for that, and NaN of none.
 */
export const conformalQuantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  // Decimals such as .95 times 20 are a bit off 19.
  const rank = Math.ceil((sorted.length + 1) * q - 1e-9)
  return sorted[Math.min(rank, sorted.length) - 1] ?? Number.NaN
}

/** Weeks that are charted together; they begin where a look's history may end. */
const weekOf = (day: number): number => Math.floor(day / 7)

/**
 * The days that the models are fitted on which chart a week: those before the week before it, as a look has
 * them, so that what wanders or grows has gone as far by then. Where they are too few, all but the week and
 * its neighbours, which know too well what it was like. Where even those are, all but the week: models of
 * half of a short history are so much worse than that of all of it that their limit would be too high.
 */
const fittedFor = (days: Int32Array, week: number): ((at: number) => boolean) => {
  const isBefore = (at: number) => weekOf(days[at]!) < week - 1
  const isApart = (at: number) => Math.abs(weekOf(days[at]!) - week) > 1
  const countOf = (isFitted: (at: number) => boolean) => days.filter((_, at) => isFitted(at)).length
  if (countOf(isBefore) >= ENOUGH_BEFORE) return isBefore
  return countOf(isApart) >= ENOUGH_APART ? isApart : (at) => weekOf(days[at]!) !== week
}

const larger = (a: number, b: number): number => (a >= b || Number.isNaN(b) ? a : b)

const modelsOf = (
  series: readonly Observations[],
  isUsed: (at: number) => boolean,
): { models: (SeriesModel | undefined)[]; kurtoses: number[] } => {
  const inWeeks = series[0]?.days.map((_, at) => at).filter(isUsed) ?? new Int32Array(0)
  const models = series.map((observations) =>
    fitSeriesModel(
      observations,
      inWeeks.filter((at) => !Number.isNaN(observations.values[at]!)),
    ),
  )
  const known = models.filter((model) => model !== undefined)
  const mean = known.reduce((sum, { kurtosis }) => sum + kurtosis, 0) / Math.max(1, known.length)
  const kurtoses = models.map((model) =>
    model === undefined
      ? 0
      : Math.max(0, (model.days * model.kurtosis + SHRINKAGE * mean) / (model.days + SHRINKAGE)),
  )
  return { models, kurtoses }
}
