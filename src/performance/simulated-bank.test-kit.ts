import { DAY_MS } from '../foundation/days.ts'
import { exp, logistic } from '../foundation/elementary/exponential.ts'
import { createRandom, type Random } from '../foundation/random.ts'
import { type DecidedRows, UNKNOWN } from './decided-rows.ts'

export interface BankSettings {
  readonly seed: number | string
  readonly days: number
  /** Default 10,000. */
  readonly rowsPerDay?: number
  /** Days until customers tell: 'lognormal' (median 20), or half within about 7 days and half in 30 to 90. */
  readonly delays?: 'lognormal' | 'mixed'
  /** Standard deviation of a day's effect on the log-odds of every row. Default .25. */
  readonly dayEffect?: number
  /** Correlation of one day's effect with the next one's. Default 0. */
  readonly dayMemory?: number
  /** Added to the log-odds of Saturdays and Sundays. Default 0. */
  readonly weekendEffect?: number
  /** Share of unflagged rows that the audit draws. Default .02. */
  readonly auditShare?: number
  /** From `fromDay` on, `share` of the frauds are honest, and as many random honest rows are frauds. */
  readonly sidesChange?: { readonly fromDay: number; readonly share: number }
  /** False: alerts are not looked at, and their frauds are told of by customers too. Default true. */
  readonly reviewed?: boolean
}

export interface SimulatedBank {
  readonly rows: DecidedRows
  /** 1 fraud, 0 honest, of every row, whether or not anybody ever tells. */
  readonly truth: Uint8Array
  readonly days: Int32Array
}

/** A row scoring at least this is flagged: some 75 of 10,000 a day, a precision of about .77. */
export const FLAGGED_FROM = 0.5

/**
 * A bank whose scores are calibrated but for the day's effect: of 10,000 rows a day about 100 are frauds, of
 * which about 58 are flagged. Alerts are labelled within 30 hours, the audit's rows within 5 days.
 */
export const simulateBank = (settings: BankSettings): SimulatedBank => {
  const { seed, days, rowsPerDay = 10_000, auditShare = 0.02, reviewed = true } = settings
  const random = createRandom(seed)
  const bank = emptyBank(days * rowsPerDay)
  const { rows, truth } = bank
  const effects = dayEffects(settings, random.fork('days'))
  const [ofScores, ofTruth, ofLabels] = [random.fork('scores'), random.fork('truth'), random.fork('labels')]
  for (let row = 0; row < truth.length; row++) {
    const day = Math.floor(row / rowsPerDay)
    const isSuspicious = ofScores.next() < 0.015
    const logOdds = isSuspicious ? 1.5 * ofScores.normal() : -6.5 + ofScores.normal()
    rows.scores[row] = logistic(logOdds)
    rows.flagged[row] = Number(rows.scores[row]! >= FLAGGED_FROM)
    rows.segments[row] = ofScores.integer(2)
    rows.amountsMinor[row] = Math.round(5000 * exp(ofScores.normal()))
    rows.decidedAtMs[row] = (day + ofScores.next()) * DAY_MS
    bank.days[row] = day
    truth[row] = Number(ofTruth.next() < logistic(logOdds + effects[day]!))
  }
  changeSides(bank, settings, random.fork('change'))
  for (let row = 0; row < truth.length; row++) {
    const isDrawn = rows.flagged[row] === 0 && ofLabels.next() < auditShare
    if (isDrawn) rows.propensities[row] = auditShare
    if (rows.flagged[row] === 1 && reviewed) {
      rows.propensities[row] = 1
      tell(bank, row, 0, (2 + 28 * ofLabels.next()) / 24)
    } else if (isDrawn) tell(bank, row, 2, 1 + 4 * ofLabels.next())
    else if (truth[row] === 1) tell(bank, row, 1, customerDelay(settings, ofLabels))
  }
  return bank
}

const emptyBank = (count: number): SimulatedBank => ({
  rows: {
    decidedAtMs: new Float64Array(count),
    scores: new Float64Array(count),
    flagged: new Uint8Array(count),
    amountsMinor: new Float64Array(count),
    segments: new Uint32Array(count),
    segmentNames: ['app', 'shop'],
    labels: new Uint8Array(count).fill(UNKNOWN),
    knownAtMs: new Float64Array(count).fill(Number.NaN),
    origins: new Uint8Array(count).fill(UNKNOWN),
    propensities: new Float64Array(count).fill(Number.NaN),
  },
  truth: new Uint8Array(count),
  days: new Int32Array(count),
})

const tell = ({ rows, truth }: SimulatedBank, row: number, origin: number, delayDays: number): void => {
  rows.labels[row] = truth[row]!
  rows.origins[row] = origin
  rows.knownAtMs[row] = rows.decidedAtMs[row]! + delayDays * DAY_MS
}

const customerDelay = ({ delays = 'mixed' }: BankSettings, random: Random): number => {
  if (delays === 'lognormal') return 20 * exp(0.8 * random.normal())
  return random.next() < 0.5 ? 7 * exp(0.3 * random.normal()) : 30 + 60 * random.next()
}

const dayEffects = (settings: BankSettings, random: Random): Float64Array => {
  const { days, dayEffect = 0.25, dayMemory = 0, weekendEffect = 0 } = settings
  const effects = new Float64Array(days)
  let state = random.normal()
  for (let day = 0; day < days; day++) {
    effects[day] = dayEffect * state + (day % 7 >= 5 ? weekendEffect : 0)
    state = dayMemory * state + Math.sqrt(1 - dayMemory * dayMemory) * random.normal()
  }
  return effects
}

const changeSides = (
  { truth, days }: SimulatedBank,
  { sidesChange, rowsPerDay = 10_000 }: BankSettings,
  random: Random,
): void => {
  if (sidesChange === undefined) return
  const before = Uint8Array.from(truth)
  for (let row = sidesChange.fromDay * rowsPerDay; row < truth.length; row++) {
    if (before[row] === 0 || random.next() >= sidesChange.share) continue
    truth[row] = 0
    let other = row
    while (before[other] === 1 || truth[other] === 1)
      other = days[row]! * rowsPerDay + random.integer(rowsPerDay)
    truth[other] = 1
  }
}
