/**
 * The figures of docs/performance-monitoring.md: nowcasts, the audit sample, tests of change, data quality.
 * Run: `npx tsx scripts/measure-performance.ts [maturity|audit|changes|quality]` (default: all four; some
 * three minutes of one core).
 */
import { DAY_MS } from '../src/foundation/days.ts'
import { logistic } from '../src/foundation/elementary/exponential.ts'
import { createRandom } from '../src/foundation/random.ts'
import { auditEstimate } from '../src/performance/audit-sample.ts'
import { cohortsOf, maturityCurves } from '../src/performance/cohorts.ts'
import type { DecidedEvent, DecidedRows } from '../src/performance/decided-rows.ts'
import { decidedRows } from '../src/performance/decided-rows.ts'
import { shareWithInterval } from '../src/performance/estimate.ts'
import { daysUntilKnown } from '../src/performance/maturity-curve.ts'
import { lookAtPerformance, newPerformanceWatch } from '../src/performance/performance-watch.ts'
import { type BankSettings, FLAGGED_FROM, simulateBank } from '../src/performance/simulated-bank.test-kit.ts'
import { checkWindow } from '../src/quality/check-window.ts'
import { FAULTS, feedOfDay } from '../src/quality/simulated-feed.test-kit.ts'
import { summarizeWindow } from '../src/quality/window-summary.ts'

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const told = (count: number, of: number): string => {
  const { value, low, high } = shareWithInterval(count, of)
  return `${count} of ${of} = ${percent(value)} (95 % interval ${percent(low)} to ${percent(high)})`
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!

/** Days after which all is known that counts. */
const HORIZON = 100

const measureMaturity = (): void => {
  console.log(
    '\nNowcast of a week of 70,000 decisions (about 700 frauds) at half maturity, against what came',
  )
  const ways: readonly Partial<BankSettings>[] = [
    { delays: 'mixed' },
    { delays: 'lognormal' },
    { delays: 'mixed', reviewed: false },
  ]
  for (const way of ways) {
    const errors = { frauds: [] as number[], recall: [] as number[], averagePrecision: [] as number[] }
    const inside = { frauds: 0, recall: 0, averagePrecision: 0 }
    const halves: number[] = []
    for (let seed = 0; seed < 5; seed++) {
      const { rows } = simulateBank({ seed: `maturity ${seed}`, days: 150, ...way })
      for (let asOf = 130; asOf <= 150; asOf += 10) {
        const asOfMs = asOf * DAY_MS
        const curves = maturityCurves(rows, { asOfMs, horizonDays: HORIZON })
        const half = daysUntilKnown(curves.missed!, 0.5)
        halves.push(half)
        const firstMs = (asOf - half - 3.5) * DAY_MS
        const options = { asOfMs, firstMs, cohortDays: 7, curves, random: createRandom(seed) }
        const cohort = cohortsOf(rows, options)[0]!
        const matureMs = firstMs + (7 + HORIZON) * DAY_MS
        const came = cohortsOf(rows, { ...options, asOfMs: matureMs, draws: 1 })[0]!.observed
        for (const figure of ['frauds', 'recall', 'averagePrecision'] as const) {
          const { value, low, high } = cohort.projected![figure]
          errors[figure].push(Math.abs(value / came[figure] - 1))
          if (low <= came[figure] && came[figure] <= high) inside[figure]++
        }
      }
    }
    const alerts = way.reviewed === false ? 'alerts not looked at' : 'alerts looked at'
    console.log(`  ${way.delays}, ${alerts}: half of missed frauds known after ${quantile(halves, 0.5)} days`)
    for (const figure of ['frauds', 'recall', 'averagePrecision'] as const) {
      const near = errors[figure].filter((error) => error <= 0.1).length
      console.log(
        `    ${figure.padEnd(17)} within 10 %: ${told(near, errors[figure].length)}; median error ` +
          `${percent(quantile(errors[figure], 0.5))}; inside the 95 % interval: ${inside[figure]}`,
      )
    }
  }
}

const measureAudit = (): void => {
  console.log('\nTrue recall from an audit sample of 2 % of what was not flagged, 200 banks each')
  for (const [days, rowsPerDay] of [
    [14, 5000],
    [7, 3000],
  ] as const) {
    let [inside, seen, width, rateInside] = [0, 0, 0, 0]
    const errors: number[] = []
    for (let seed = 0; seed < 200; seed++) {
      const { rows, truth } = simulateBank({ seed: `audit ${seed}`, days, rowsPerDay })
      const period = { fromMs: 0, toMs: days * DAY_MS, asOfMs: 30 * DAY_MS }
      const { recall, missed, fraudRate } = auditEstimate(rows, period)
      let [frauds, found] = [0, 0]
      for (let row = 0; row < truth.length; row++) {
        frauds += truth[row]!
        found += truth[row]! * rows.flagged[row]!
      }
      seen += missed.frauds / 200
      width += (recall.high - recall.low) / 200
      errors.push(recall.value - found / frauds)
      if (recall.low <= found / frauds && found / frauds <= recall.high) inside++
      if (fraudRate.low <= frauds / truth.length && frauds / truth.length <= fraudRate.high) rateInside++
    }
    const bias = errors.reduce((sum, error) => sum + error, 0) / errors.length
    console.log(
      `  ${days} days of ${rowsPerDay} (${seen.toFixed(1)} missed frauds drawn, interval ${width.toFixed(2)} wide, ` +
        `mean error ${bias.toFixed(3)})`,
    )
    console.log(`    recall inside: ${told(inside, 200)}`)
    console.log(`    fraud rate inside: ${told(rateInside, 200)}`)
  }
}

interface DrawnSettings {
  readonly dayEffect: number
  readonly dayMemory: number
  readonly weekendEffect: number
  readonly alertsPerDay: number
}

/** Only rows that are drawn: alerts, and an audit of 2 % of 10,000 decisions a day. */
const drawnRows = (seed: string, days: number, settings: DrawnSettings, changedFrom: number): DecidedRows => {
  const random = createRandom(seed)
  const events: DecidedEvent[] = []
  let state = random.normal()
  for (let day = 0; day < days; day++) {
    const effect = settings.dayEffect * state + (day % 7 >= 5 ? settings.weekendEffect : 0)
    state =
      settings.dayMemory * state + Math.sqrt(1 - settings.dayMemory * settings.dayMemory) * random.normal()
    const alerts = Math.max(5, Math.round(settings.alertsPerDay * (1 + 0.12 * random.normal())))
    for (let at = 0; at < alerts + 200; at++) {
      const flagged = at < alerts
      const isSuspicious = flagged || random.next() < 0.0075
      const logOdds = isSuspicious
        ? (flagged ? 1.5 : -1.5) * Math.abs(random.normal())
        : Math.min(-0.01, -6.5 + random.normal())
      let isFraud = random.next() < logistic(logOdds + effect)
      if (day >= changedFrom) {
        if (isFraud) isFraud = random.next() >= 0.3
        else if (!flagged) isFraud = random.next() < 0.003
      }
      const decidedAtMs = (day + random.next()) * DAY_MS
      events.push({
        decidedAtMs,
        score: logistic(logOdds),
        flagged,
        amountMinor: 100,
        segment: '',
        label: isFraud ? 1 : 0,
        knownAtMs: decidedAtMs + (flagged ? 1.2 : 5) * random.next() * DAY_MS,
        origin: flagged ? 'alert' : 'sample',
        propensity: flagged ? 1 : 0.02,
      })
    }
  }
  return decidedRows(events)
}

/** Decisions of the days from `from` (inclusive) to `to`. */
const daysOf = (rows: DecidedRows, from: number, to: number): DecidedRows => {
  const first = rows.decidedAtMs.findIndex((at) => at >= from * DAY_MS)
  const after = rows.decidedAtMs.findLastIndex((at) => at < to * DAY_MS) + 1
  return {
    decidedAtMs: rows.decidedAtMs.subarray(first, after),
    scores: rows.scores.subarray(first, after),
    flagged: rows.flagged.subarray(first, after),
    amountsMinor: rows.amountsMinor.subarray(first, after),
    segments: rows.segments.subarray(first, after),
    segmentNames: rows.segmentNames,
    labels: rows.labels.subarray(first, after),
    knownAtMs: rows.knownAtMs.subarray(first, after),
    origins: rows.origins.subarray(first, after),
    propensities: rows.propensities.subarray(first, after),
  }
}

const HISTORY = 60
const EDGES = [0.1, FLAGGED_FROM, 0.75, 0.9]

/** Days of looks at which an alarm began, after each of which the watch begins anew. */
const alarmsOf = (rows: DecidedRows, from: number, to: number): number[] => {
  const started = newPerformanceWatch(daysOf(rows, 0, from), from * DAY_MS, { edges: EDGES })
  const alarms: number[] = []
  let watch = started
  for (let day = from + 1; day <= to; day++) {
    const [next, look] = lookAtPerformance(watch, daysOf(rows, day - 12, day), day * DAY_MS)
    watch = next
    if (!look.isAlarm) continue
    alarms.push(day)
    const rates = next.rates.map((rate, at) => ({ ...rate, watch: started.rates[at]!.watch }))
    watch = { rates, options: next.options }
  }
  return alarms
}

const measureChanges = (): void => {
  console.log('\nTests of change: history of 60 days; 30 % of the frauds change sides; waits of 2 and 7 days')
  const settings: readonly DrawnSettings[] = [
    { alertsPerDay: 75, dayEffect: 0.25, dayMemory: 0, weekendEffect: 0 },
    { alertsPerDay: 75, dayEffect: 0.25, dayMemory: 0.3, weekendEffect: 0.2 },
    { alertsPerDay: 75, dayEffect: 0.4, dayMemory: 0, weekendEffect: 0.2 },
    { alertsPerDay: 25, dayEffect: 0.25, dayMemory: 0, weekendEffect: 0 },
  ]
  for (const each of settings) {
    let falseAlarms = 0
    for (let seed = 0; seed < 30; seed++) {
      const rows = drawnRows(`stationary ${seed}`, HISTORY + 100, each, Number.POSITIVE_INFINITY)
      falseAlarms += alarmsOf(rows, HISTORY, HISTORY + 100).length
    }
    const delays: number[] = []
    for (let seed = 0; seed < 50; seed++) {
      const rows = drawnRows(`changed ${seed}`, HISTORY + 25, each, HISTORY)
      // A look on day d knows alerts of decisions up to day d - 3, which is d - 2 - HISTORY changed days.
      const alarm = alarmsOf(rows, HISTORY, HISTORY + 25).find((day) => day > HISTORY + 2)
      delays.push(alarm === undefined ? Number.POSITIVE_INFINITY : alarm - 2 - HISTORY)
    }
    const { dayEffect, dayMemory, weekendEffect, alertsPerDay } = each
    console.log(
      `  ${alertsPerDay} alerts a day; effect of a day ${dayEffect}, its memory ${dayMemory}, weekend ${weekendEffect}`,
    )
    const { low, high } = shareWithInterval(falseAlarms, 3000)
    console.log(
      `    false alarms in 100 days: ${(falseAlarms / 30).toFixed(2)} (${falseAlarms} in 3,000 days; 95 % interval ` +
        `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)})`,
    )
    const soon = delays.filter((days) => days <= 5).length
    console.log(
      `    seen within 5 days of labels: ${told(soon, 50)}; median ${quantile(delays, 0.5)}, nine of ten ` +
        `within ${quantile(delays, 0.9)}`,
    )
  }
}

const measureQuality = (): void => {
  console.log('\nData quality: 12 fields, 2,000 rows a day, a history of 42 days')
  const false_ = new Map<string, number>()
  let [days, faultsFound, faultsAlone, faults] = [0, 0, 0, 0]
  const missed = new Map<string, number>()
  for (let seed = 0; seed < 4; seed++) {
    const summaries = Array.from({ length: 42 }, (_, day) => summarizeWindow(feedOfDay(`bank ${seed}`, day)))
    for (let day = 42; day < 142; day++) {
      const rows = feedOfDay(`bank ${seed}`, day)
      const today = summarizeWindow(rows)
      const history = summaries.slice(-42)
      for (const { kind } of checkWindow(history, today)) false_.set(kind, (false_.get(kind) ?? 0) + 1)
      days++
      if (day % 50 === 45)
        for (const { name, kind, field, inject } of FAULTS) {
          const found = checkWindow(history, summarizeWindow(inject(rows, createRandom(day))))
          faults++
          if (found.some((finding) => finding.kind === kind && finding.field === field)) faultsFound++
          else missed.set(name, (missed.get(name) ?? 0) + 1)
          if (found.length === 1) faultsAlone++
        }
      summaries.push(today)
    }
  }
  const count = [...false_.values()].reduce((sum, each) => sum + each, 0)
  const { low, high } = shareWithInterval(count, days)
  console.log(
    `  false findings in 100 days: ${((100 * count) / days).toFixed(2)} (${count} in ${days} days; 95 % interval ` +
      `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)}) ${[...false_].join('; ')}`,
  )
  console.log(`  faults found on the same day, ${FAULTS.length} sorts: ${told(faultsFound, faults)}`)
  console.log(`    as the only finding: ${told(faultsAlone, faults)}`)
  if (missed.size > 0) console.log(`    missed: ${[...missed].join('; ')}`)
}

const PARTS = {
  maturity: measureMaturity,
  audit: measureAudit,
  changes: measureChanges,
  quality: measureQuality,
}

const wanted = process.argv.slice(2)
for (const [name, measure] of Object.entries(PARTS))
  if (wanted.length === 0 || wanted.includes(name)) measure()
