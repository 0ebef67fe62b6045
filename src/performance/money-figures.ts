import { countOf, type DecidedRows, isKnownAt, UNKNOWN } from './decided-rows.ts'
import { type Estimate, shareWithInterval } from './estimate.ts'

/** What decisions of a group were worth, by rows and by money. Sources: docs/performance-monitoring.md. */
export interface MoneyFigures {
  readonly rows: number
  readonly frauds: number
  /** Value of flagged frauds of the value of all frauds. NaN without the value of a fraud. */
  readonly valueDetectionRate: number
  /** Flagged frauds of all frauds: recall, by transactions. */
  readonly transactionDetectionRate: Estimate
  /** Frauds of flagged decisions with a label. */
  readonly alertPrecision: Estimate
  /** Flagged honest decisions of all honest ones: customers who were insulted. */
  readonly insultRate: Estimate
  /** Flagged decisions of all. */
  readonly reviewRate: Estimate
  /** Honest for each fraud among the flagged, 5 being "5 : 1". NaN without a flagged fraud. */
  readonly falsePositiveRatio: number
  /** In minor units: value of all decisions, of frauds, of those found and missed, of honest ones flagged. */
  readonly valueMinor: number
  readonly fraudValueMinor: number
  readonly foundValueMinor: number
  readonly missedValueMinor: number
  readonly insultedValueMinor: number
  /** Value of frauds in ten-thousandths of the value of all decisions. */
  readonly fraudBasisPoints: number
}

export interface MoneyOptions {
  readonly asOfMs: number
  readonly fromMs: number
  /** Exclusive: decisions young enough to have frauds that nobody told of belong to a nowcast. */
  readonly toMs: number
}

/** Figures of all decisions under `all`, and of each segment. */
export interface FiguresBySegment {
  readonly all: MoneyFigures
  readonly segments: Readonly<Record<string, MoneyFigures>>
}

/**
 * Figures in money, of all and of each segment, from labels known at `asOfMs`; a decision of which nobody
 * told is honest. Amounts that are not known count as 0.
 */
export const moneyFigures = (rows: DecidedRows, options: MoneyOptions): FiguresBySegment => {
  const all = newTally()
  const bySegment = rows.segmentNames.map(newTally)
  for (let row = 0; row < rows.labels.length; row++) {
    const at = rows.decidedAtMs[row]!
    if (at < options.fromMs || at >= options.toMs) continue
    for (const tally of [all, bySegment[rows.segments[row]!]!]) addRow(tally, rows, row, options.asOfMs)
  }
  return {
    all: figuresOf(all),
    segments: Object.fromEntries(rows.segmentNames.map((name, at) => [name, figuresOf(bySegment[at]!)])),
  }
}

/** Rows and value of one of four outcomes. */
interface Outcome {
  rows: number
  valueMinor: number
}

interface Tally {
  readonly found: Outcome
  readonly missed: Outcome
  readonly insulted: Outcome
  readonly passed: Outcome
  /** Flagged with a label. */
  reviewed: number
}

const newTally = (): Tally => ({
  found: { rows: 0, valueMinor: 0 },
  missed: { rows: 0, valueMinor: 0 },
  insulted: { rows: 0, valueMinor: 0 },
  passed: { rows: 0, valueMinor: 0 },
  reviewed: 0,
})

const addRow = (tally: Tally, rows: DecidedRows, row: number, asOfMs: number): void => {
  const isKnown = rows.labels[row] !== UNKNOWN && isKnownAt(rows, row, asOfMs)
  const isFraud = isKnown && rows.labels[row] === 1
  const isFlagged = rows.flagged[row] === 1
  if (isFlagged && isKnown) tally.reviewed++
  const ofFlagged = isFraud ? tally.found : tally.insulted
  const outcome = isFlagged ? ofFlagged : isFraud ? tally.missed : tally.passed
  outcome.rows += countOf(rows, row)
  const amount = rows.amountsMinor[row]!
  if (!Number.isNaN(amount)) outcome.valueMinor += amount
}

const figuresOf = ({ found, missed, insulted, passed, reviewed }: Tally): MoneyFigures => {
  const frauds = found.rows + missed.rows
  const honest = insulted.rows + passed.rows
  const fraudValueMinor = found.valueMinor + missed.valueMinor
  const valueMinor = fraudValueMinor + insulted.valueMinor + passed.valueMinor
  return {
    rows: frauds + honest,
    frauds,
    valueDetectionRate: found.valueMinor / fraudValueMinor,
    transactionDetectionRate: shareWithInterval(found.rows, frauds),
    alertPrecision: shareWithInterval(found.rows, reviewed),
    insultRate: shareWithInterval(insulted.rows, honest),
    reviewRate: shareWithInterval(found.rows + insulted.rows, frauds + honest),
    falsePositiveRatio: found.rows === 0 ? Number.NaN : insulted.rows / found.rows,
    valueMinor,
    fraudValueMinor,
    foundValueMinor: found.valueMinor,
    missedValueMinor: missed.valueMinor,
    insultedValueMinor: insulted.valueMinor,
    fraudBasisPoints: (10_000 * fraudValueMinor) / valueMinor,
  }
}
