import { createMemoryJournalPlace } from '../adapters/memory/memory-journal.ts'
import type { PairedRows } from '../evaluation/paired-comparison.ts'
import { nearestCountThreshold } from '../evaluation/threshold-rules.ts'
import { createRandom } from '../foundation/random.ts'
import { fitLogisticRegression, type LogisticRegressionModel } from '../learning/logistic-regression.ts'
import { recencyWeights } from '../learning/recency-weights.ts'
import { type DecidedEvent, decidedRows } from '../performance/decided-rows.ts'
import { type Advanced, advanceRetraining } from './advance-retraining.ts'
import type { RetrainingFinding } from './finding.ts'
import { DAY_MS, dayMs, lookOn, MODEL, openRetraining, START_MS } from './retraining.test-kit.ts'
import type { RetrainingBook, RetrainingEntry } from './retraining-book.ts'
import { DEFAULT_RULES, type RetrainingRules } from './retraining-rules.ts'
import type { RetrainingWorks, ServedSourcesNow, ServingControl } from './retraining-works.ts'
import { daysOfThreshold, thresholdToBudget } from './threshold-to-budget.ts'

/** A bank whose frauds change their ways on one day, with a model that learns. */
export interface ToyBankOptions {
  readonly seed: number | string
  /** Day from which on frauds show in the second feature, where they showed in the first. */
  readonly changeDay: number
  /** Days after it on which a look finds it: labels of alerts come after one. */
  readonly foundAfterDays: number
  readonly days: number
  readonly rows?: number
  /** Rows a day that can be looked at; default 30. */
  readonly alertsPerDay?: number
  /** Days before the first, which the first champion has learnt from; default 60. */
  readonly historyDays?: number
  /** From `changeDay` on the first feature of all rows is so much higher; default 0: frauds alone change. */
  readonly shift?: number
  readonly rules?: Partial<RetrainingRules>
  /** What looks find; default: concept drift from the day on which it is found. */
  readonly findings?: (day: number) => readonly RetrainingFinding[]
}

export interface ToyBankPlay {
  /** By day: share of frauds among the rows that could be looked at, by what decided that day. */
  readonly precision: readonly number[]
  /** By day: what decided. */
  readonly champions: readonly string[]
  /** By day: rows whose score reached the threshold of what decided. */
  readonly alerts: readonly number[]
  readonly book: RetrainingBook
  readonly steps: readonly Advanced[]
}

const FRAUD_SHARE = 0.03
const FIRST = 'models:/fraud/3'
const MISSED_DELAY_DAYS = 7

interface ToyRow {
  readonly day: number
  readonly x: readonly number[]
  readonly label: 0 | 1
  readonly user: number
  readonly amount: number
}

/**
 * Plays the days one after the other: transactions are decided on by the champion, the highest scores are
 * looked at and known a day later, other frauds are told of after a week; each evening retraining takes a
 * step, as a server would.
 */
export const playToyBank = async (options: ToyBankOptions): Promise<ToyBankPlay> => {
  const { changeDay, foundAfterDays, days, alertsPerDay = 30 } = options
  const rules: RetrainingRules = {
    ...DEFAULT_RULES,
    leastFrauds: 60,
    leastJudgedFrauds: 60,
    alertsPerDay,
    leastDecisions: 100,
    resamples: 300,
    ...options.rules,
  }
  const world = openWorld(options, alertsPerDay)
  const { rows, models, served, decidedBy } = world
  const place = createMemoryJournalPlace<RetrainingEntry>()
  const change = openRetraining(place.open())
  const works = toyWorks(world)
  const control = toyControl(served)
  const precision: number[] = []
  const champions: string[] = []
  const alerts: number[] = []
  const steps: Advanced[] = []
  for (let day = 0; day < days; day++) {
    const champion = served.now.champion
    const model = models.get(champion)!
    decidedBy.set(day, champion)
    champions.push(champion)
    precision.push(precisionOf(rowsOfDay(rows, day), model, alertsPerDay))
    alerts.push(rowsOfDay(rows, day).filter((row) => scoreOf(model, row) >= model.threshold).length)
    world.today = day + 1
    const found = options.findings?.(day) ?? conceptFrom(day, changeDay, foundAfterDays)
    const look = lookOn(day, found, champion.split('/').at(-1))
    for (let isDone = false; !isDone; ) {
      const parts = { model: MODEL, change, works, control, rules, look }
      const now = (): number => dayMs(day + 1)
      const signal = new AbortController().signal
      const step = await advanceRetraining({ ...parts, now, by: 'vigia', signal })
      steps.push(step)
      isDone = step.kind !== 'moved'
    }
  }
  return { precision, champions, alerts, steps, book: await change((book) => ({ result: book })) }
}

/** A bank on its first morning, with a champion whose threshold meets the budget on its history. */
const openWorld = (options: ToyBankOptions, alertsPerDay: number): ToyWorld => {
  const { historyDays = 60 } = options
  const rows = toyRows(options, historyDays)
  const history = rows.filter(({ day }) => day < 0)
  const model = learn(history, undefined)
  const scores = Float64Array.from(history, (row) => scoreOf(model, row))
  const { threshold } = nearestCountThreshold(scores, alertsPerDay * historyDays)
  return {
    rows,
    alertsPerDay,
    historyDays,
    models: new Map([[FIRST, { ...model, threshold }]]),
    served: { now: { champion: FIRST, shadow: null, canary: null } },
    decidedBy: new Map(),
    today: 0,
  }
}

const conceptFrom = (day: number, changeDay: number, foundAfterDays: number): readonly RetrainingFinding[] =>
  day >= changeDay + foundAfterDays && day < changeDay + 30
    ? [{ kind: 'concept_drift', severity: 'severe', sinceMs: dayMs(changeDay), what: 'precision' }]
    : []

const toyRows = (options: ToyBankOptions, historyDays: number): readonly ToyRow[] => {
  const { seed, changeDay, days, rows: perDay = 600, shift } = options
  const random = createRandom(seed)
  const rows: ToyRow[] = []
  for (let day = -historyDays; day < days; day++)
    for (let row = 0; row < perDay; row++) {
      const label = random.next() < FRAUD_SHARE ? 1 : 0
      const isChanged = day >= changeDay
      const shown = isChanged && shift === undefined ? 1 : 0
      const moved = isChanged ? (shift ?? 0) : 0
      const x = [0, 1, 2].map(
        (feature) =>
          random.normal() + (label === 1 && feature === shown ? 2.5 : 0) + (feature === 0 ? moved : 0),
      )
      rows.push({ day, x, label, user: random.integer(3000), amount: 100 + random.integer(10_000) })
    }
  return rows
}

const rowsOfDay = (rows: readonly ToyRow[], day: number): readonly ToyRow[] =>
  rows.filter((row) => row.day === day)

const scoreOf = ({ coefficients, means, scales }: LogisticRegressionModel, { x }: ToyRow): number =>
  coefficients.reduce((sum, weight, f) => sum + (weight * (x[f]! - means[f]!)) / scales[f]!, 0)

const learn = (rows: readonly ToyRow[], weights: Float64Array | undefined): LogisticRegressionModel =>
  fitLogisticRegression(
    {
      names: ['x0', 'x1', 'x2'],
      rowCount: rows.length,
      columns: [0, 1, 2].map((f) => Float64Array.from(rows, ({ x }) => x[f]!)),
    },
    rows.map(({ label }) => label),
    {
      c: 1,
      classWeight: 'none',
      maxIterations: 50,
      tolerance: 1e-8,
      ...(weights !== undefined && { sampleWeights: weights }),
    },
  )

/** The rows that are looked at: those that score highest. */
const flaggedOf = (
  rows: readonly ToyRow[],
  model: LogisticRegressionModel,
  alertsPerDay: number,
): ReadonlySet<ToyRow> =>
  new Set(rows.toSorted((a, b) => scoreOf(model, b) - scoreOf(model, a)).slice(0, alertsPerDay))

const precisionOf = (rows: readonly ToyRow[], model: LogisticRegressionModel, alertsPerDay: number): number =>
  [...flaggedOf(rows, model, alertsPerDay)].filter(({ label }) => label === 1).length / alertsPerDay

interface ToyModel extends LogisticRegressionModel {
  readonly threshold: number
}

interface ToyWorld {
  readonly rows: readonly ToyRow[]
  readonly alertsPerDay: number
  readonly historyDays: number
  readonly models: Map<string, ToyModel>
  readonly served: { now: ServedSourcesNow }
  readonly decidedBy: Map<number, string>
  today: number
}

const toyWorks = (world: ToyWorld): RetrainingWorks => {
  const { rows, models, served, decidedBy, alertsPerDay, historyDays } = world
  const modelOf = (source: string): ToyModel => models.get(source)!
  const pairOf = (from: number, to: number, champion: string, challenger: string): PairedRows => {
    const judged = rows.filter(({ day }) => day >= from && day < to)
    const scores = (source: string) => Float64Array.from(judged, (row) => scoreOf(modelOf(source), row))
    return {
      labels: Uint8Array.from(judged, ({ label }) => label),
      users: Uint32Array.from(judged, ({ user }) => user),
      days: Int32Array.from(judged, ({ day }) => day),
      amountsMinor: judged.map(({ amount }) => amount),
      champion: scores(champion),
      challenger: scores(challenger),
    }
  }
  const dayOf = (ms: number): number => Math.floor((ms - START_MS) / DAY_MS)
  const thresholds = toyThresholds(world)
  return {
    decided: async () =>
      decidedRows(
        Array.from({ length: world.today + historyDays }, (_, at) => at - historyDays).flatMap((day) =>
          eventsOf(rowsOfDay(rows, day), day, modelOf(decidedBy.get(day) ?? FIRST), world),
        ),
      ),
    learntUntil: async () => START_MS,
    proposeThreshold: thresholds.proposeThreshold,
    derive: thresholds.derive,
    adopt: thresholds.adopt,
    restore: thresholds.restore,
    adjustedTraffic: thresholds.adjustedTraffic,
    train: async ({ id, order }) => {
      const learnt = rows.filter(
        ({ day }) => dayMs(day) >= order.trainFromMs && dayMs(day) < order.judgedFromMs,
      )
      const times = learnt.map(({ day }) => dayMs(day))
      const halfLife = order.halfLifeMs === null ? {} : { halfLifeMs: order.halfLifeMs }
      const version = String(models.size + 3)
      const source = `models:/fraud/${version}`
      const model = learn(learnt, recencyWeights(times, halfLife))
      const scores = Float64Array.from(learnt, (row) => scoreOf(model, row))
      const { threshold } = nearestCountThreshold(scores, alertsPerDay * new Set(times).size)
      models.set(source, { ...model, threshold })
      return { source, version, run: `runs/${id}` }
    },
    score: async ({ order, challenger }) =>
      pairOf(dayOf(order.judgedFromMs), dayOf(order.judgedToMs), served.now.champion, challenger.source),
    passGates: async () => ({ isPassed: true, why: 'passed every gate' }),
    promote: async () => ({ isPassed: true, why: 'passed every gate' }),
    rollBack: async () => undefined,
    traffic: async ({ challenger, before }, fromMs, toMs) => {
      const [from, to] = [dayOf(fromMs), dayOf(toMs)]
      const mature = to - MISSED_DELAY_DAYS
      return {
        decisions: rows.filter(({ day }) => day >= from && day < to).length,
        days: Math.max(1, to - from),
        championAlerts: alertsPerDay * (to - from),
        challengerAlerts: alertsPerDay * (to - from),
        pairs: mature > from ? pairOf(from, mature, before!, challenger.source) : undefined,
      }
    },
  }
}

/** What gives the champion another threshold, and counts its alerts. */
const toyThresholds = (
  world: ToyWorld,
): Pick<RetrainingWorks, 'proposeThreshold' | 'derive' | 'adopt' | 'restore' | 'adjustedTraffic'> => {
  const { rows, models, served } = world
  const scoresOf = (source: string, from: number, to: number): Float64Array =>
    Float64Array.from(
      rows.filter(({ day }) => day >= from && day < to),
      (row) => scoreOf(models.get(source)!, row),
    )
  return {
    proposeThreshold: async ({ movedMs, leftOutDays }, rules, nowMs) => {
      const { champion } = served.now
      const { threshold: present } = models.get(champion)!
      const moved = { sinceMs: movedMs ?? START_MS, leftOutDays }
      const days = daysOfThreshold(moved, nowMs).map((day) => day - START_MS / DAY_MS)
      const scores = Float64Array.from(days.flatMap((day) => [...scoresOf(champion, day, day + 1)]))
      const answer = thresholdToBudget({ scores, days: days.length, present }, rules)
      if ('kept' in answer) return answer
      const stays = { calibration: null, calibrationWhy: 'it stays', present, presentRescaled: present }
      return { ...answer, ...stays, rows: scores.length, days: days.length, champion }
    },
    derive: async ({ threshold: { threshold, champion } }) => {
      const version = String(models.size + 3)
      const source = `models:/fraud/${version}`
      models.set(source, { ...models.get(champion)!, threshold })
      return { source, version, key: version }
    },
    adopt: async () => undefined,
    restore: async () => undefined,
    adjustedTraffic: async ({ adjusted, threshold }, fromMs, toMs) => {
      const [from, to] = [(fromMs - START_MS) / DAY_MS, (toMs - START_MS) / DAY_MS]
      const scores = scoresOf(adjusted.source, from, to)
      const reaching = (least: number): number => scores.filter((score) => score >= least).length
      const { threshold: now, presentRescaled } = threshold
      return { decisions: scores.length, alerts: reaching(now), alertsBefore: reaching(presentRescaled) }
    },
  }
}

const eventsOf = (
  rows: readonly ToyRow[],
  day: number,
  model: LogisticRegressionModel,
  { today, alertsPerDay }: ToyWorld,
): readonly DecidedEvent[] => {
  const flagged = flaggedOf(rows, model, alertsPerDay)
  return rows.flatMap((row): readonly DecidedEvent[] => {
    const isFlagged = flagged.has(row)
    const knownDay = day + (isFlagged ? 1 : MISSED_DELAY_DAYS)
    const isKnown = (isFlagged || row.label === 1) && knownDay <= today
    // Honest rows that nobody looks at say nothing here, and would be most of the rows.
    if (!isFlagged && row.label === 0) return []
    const event = {
      decidedAtMs: dayMs(day),
      score: isFlagged ? 0.9 : 0.1,
      flagged: isFlagged,
      amountMinor: row.amount,
      segment: '',
      propensity: null,
    }
    return isKnown
      ? [
          {
            ...event,
            label: row.label,
            knownAtMs: dayMs(knownDay),
            origin: isFlagged ? ('alert' as const) : ('customer' as const),
          },
        ]
      : [{ ...event, label: null, knownAtMs: null, origin: null }]
  })
}

const toyControl = (served: { now: ServedSourcesNow }): ServingControl => ({
  serving: async () => served.now,
  switchTo: async (source) => {
    served.now = { ...served.now, champion: source }
  },
  setShadow: async (source) => {
    served.now = { ...served.now, shadow: source }
  },
  setCanary: async (source, share) => {
    served.now = { ...served.now, canary: source === null ? null : { source, share } }
  },
})

/** Mean of the days [from, to). */
export const meanOf = (values: readonly number[], from: number, to: number): number =>
  values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from)
