import { type ControlSample, reachesThreshold } from '../decisions/control-sample.ts'
import { type ToldOrigin, toldBy } from '../decisions/label-origin.ts'
import { DAY_MS } from '../foundation/days.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { type DecidedRows, ORIGINS, UNKNOWN } from '../performance/decided-rows.ts'
import { type FlaggedTreatment, propensityOf } from '../performance/logged-events.ts'
import { DEFAULT_WATCH } from '../performance/performance-watch.ts'
import { type KnownLabel, labelAt, settledLabel, type ToldLabels } from './told-labels.ts'

/** A decision, as performance sees it. */
export interface Outcome {
  readonly token: number
  readonly decidedAtMs: number
  readonly probability: number
  /** As it was answered. */
  readonly isFlagged: boolean
  /** What came of its draw; absent where nothing could be drawn. */
  readonly controlSample?: ControlSample | undefined
  /** NaN where it is of another currency than what is added up. */
  readonly amountMinor: number
  readonly segment: string
  /** Whether it is one of those that tests watch. */
  readonly isWatched: boolean
}

/** Rows of segments beyond the bound are counted here; the commonest come first as a rule. */
const OTHER_SEGMENTS = '(other)'
const MOST_SEGMENTS = 20

/** Steps in which scores are counted for each unit of log-odds, and how many on either side of even odds. */
const STEPS = 8
const MOST_STEPS = 127

/** Decisions of one day, segment and narrow band of scores of which nobody told a fraud. */
interface Cell {
  readonly segment: number
  readonly isWatched: boolean
  readonly dayMs: number
  count: number
  /** Sum of times since the day's beginning. */
  sinceMs: number
  scores: number
  amountMinor: number
}

/** A decision that is kept by itself: it was flagged or drawn, or a fraud was told of it. */
interface Kept extends Omit<Outcome, 'segment' | 'token' | 'controlSample' | 'isFlagged'> {
  readonly segment: number
  /** The model's word, also where it was let through. */
  readonly isFlagged: boolean
  /** Chance that its truth had to be found out; NaN where nobody drew. */
  readonly propensity: number
  /** Who tells a label that does not say so. */
  readonly teller: ToldOrigin
  /** As of the report. */
  readonly known: KnownLabel | undefined
  /** As its day settled. */
  readonly settled: KnownLabel | undefined
}

/**
 * Decisions with what was told of them, in memory that follows alerts, draws and frauds: all others are
 * counts by day, segment and band of the score.
 *
 * Labels are read before decisions are, so that each decision finds what was ever said of it, however much
 * later that was.
 */
export class OutcomeBook {
  /** Those that were made by then. */
  decisions = 0
  /** Told to be genuine although nobody had flagged them. */
  toldGenuine = 0
  private readonly segments = new Map<string, number>()
  private readonly cells = new Map<number, Cell>()
  private readonly kept: Kept[] = []
  private readonly asOfMs: number
  private readonly told: ToldLabels
  private readonly flagged: FlaggedTreatment

  /** @param asOfMs the end of a day (UTC): what was decided or told later is not there yet */
  constructor(told: ToldLabels, asOfMs: number, flagged: FlaggedTreatment) {
    this.told = told
    this.asOfMs = asOfMs
    this.flagged = flagged
  }

  add(outcome: Outcome): void {
    if (outcome.decidedAtMs >= this.asOfMs) return
    this.decisions++
    const segment = this.segmentOf(outcome.segment)
    const words = this.told.wordsOf(outcome.token)
    const known = labelAt(words, this.asOfMs)
    const isFlagged = reachesThreshold(outcome)
    const propensity = propensityOf(outcome, this.flagged) ?? Number.NaN
    if (isFlagged || !Number.isNaN(propensity) || words.some(({ isFraud }) => isFraud === true)) {
      const { decidedAtMs, probability, amountMinor, isWatched } = outcome
      this.kept.push({
        decidedAtMs,
        probability,
        isFlagged,
        amountMinor,
        isWatched,
        segment,
        propensity,
        teller: toldBy(outcome),
        known,
        settled: settledLabel(words, settledMs(decidedAtMs, isFlagged, propensity)),
      })
    } else {
      if (known !== undefined) this.toldGenuine++
      this.count(outcome, segment)
    }
  }

  /** With the labels that are known: for cohorts and figures. */
  decided(): DecidedRows {
    return this.rowsOf(this.kept, [...this.cells.values()], ({ known }) => known)
  }

  /** What is watched, with the labels as days settled. */
  watched(): DecidedRows {
    const cells = [...this.cells.values()].filter(({ isWatched }) => isWatched)
    return this.rowsOf(
      this.kept.filter(({ isWatched }) => isWatched),
      cells,
      ({ settled }) => settled,
    )
  }

  private segmentOf(segment: string): number {
    const known = this.segments.get(segment)
    if (known !== undefined) return known
    const name = this.segments.size < MOST_SEGMENTS ? segment : OTHER_SEGMENTS
    const code = this.segments.get(name) ?? this.segments.size
    this.segments.set(name, code)
    return code
  }

  private count({ decidedAtMs, probability, amountMinor, isWatched }: Outcome, segment: number): void {
    const day = Math.floor(decidedAtMs / DAY_MS)
    const key = ((day * (MOST_SEGMENTS + 1) + segment) * (2 * MOST_STEPS + 1) + stepOf(probability)) * 2
    const cell = this.cells.get(key + Number(isWatched)) ?? {
      segment,
      isWatched,
      dayMs: day * DAY_MS,
      count: 0,
      sinceMs: 0,
      scores: 0,
      amountMinor: 0,
    }
    this.cells.set(key + Number(isWatched), cell)
    cell.count++
    cell.sinceMs += decidedAtMs - cell.dayMs
    cell.scores += probability
    if (!Number.isNaN(amountMinor)) cell.amountMinor += amountMinor
  }

  private rowsOf(
    kept: readonly Kept[],
    cells: readonly Cell[],
    labelOf: (row: Kept) => KnownLabel | undefined,
  ): DecidedRows {
    const column = (ofKept: (row: Kept) => number, ofCell: (cell: Cell) => number): Float64Array => {
      const values = new Float64Array(kept.length + cells.length)
      kept.forEach((row, at) => {
        values[at] = ofKept(row)
      })
      cells.forEach((cell, at) => {
        values[kept.length + at] = ofCell(cell)
      })
      return values
    }
    const since = (row: Kept): number => {
      const label = labelOf(row)
      return label === undefined ? Number.NaN : Math.max(label.sinceMs, row.decidedAtMs)
    }
    const verdict = (row: Kept): number => {
      const label = labelOf(row)
      return label === undefined ? UNKNOWN : Number(label.isFraud)
    }
    const origin = (row: Kept): number => {
      const label = labelOf(row)
      return label === undefined ? UNKNOWN : ORIGINS.indexOf(label.toldBy ?? row.teller)
    }
    const unknown = (): number => UNKNOWN
    return {
      counts: column(
        () => 1,
        ({ count }) => count,
      ),
      decidedAtMs: column(
        (row) => row.decidedAtMs,
        ({ dayMs, sinceMs, count }) => dayMs + sinceMs / count,
      ),
      scores: column(
        (row) => row.probability,
        (cell) => cell.scores / cell.count,
      ),
      flagged: Uint8Array.from(
        column(
          (row) => Number(row.isFlagged),
          () => 0,
        ),
      ),
      amountsMinor: column(
        (row) => row.amountMinor,
        (cell) => cell.amountMinor,
      ),
      segments: Uint32Array.from(
        column(
          (row) => row.segment,
          (cell) => cell.segment,
        ),
      ),
      segmentNames: [...this.segments.keys()],
      labels: Uint8Array.from(column(verdict, unknown)),
      knownAtMs: column(since, () => Number.NaN),
      origins: Uint8Array.from(column(origin, unknown)),
      propensities: column(
        (row) => row.propensity,
        () => Number.NaN,
      ),
    }
  }
}

/** When the day of a decision is counted: see `WatchOptions`. */
const settledMs = (decidedAtMs: number, isFlagged: boolean, propensity: number): number => {
  const { alertWaitDays, auditWaitDays, fraudWaitDays } = DEFAULT_WATCH
  const isReviewed = isFlagged && !(propensity < 1)
  const waitDays = isReviewed ? alertWaitDays : Number.isNaN(propensity) ? fraudWaitDays : auditWaitDays
  return (Math.floor(decidedAtMs / DAY_MS) + 1 + waitDays) * DAY_MS
}

/** Place of a score among the steps of log-odds, from 0. */
const stepOf = (probability: number): number => {
  const step = Math.floor(STEPS * log(probability / (1 - probability)))
  return MOST_STEPS + Math.min(MOST_STEPS, Math.max(-MOST_STEPS, step))
}
