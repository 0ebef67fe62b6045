import type { DuckDBConnection } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { FeatureEngineer } from '../../src/features/feature-engineer.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import { decodeState, encodeState } from '../../src/features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../src/features/state/entity-state.ts'
import type { StateLayout } from '../../src/features/state/layout.ts'
import { EntityReading } from '../../src/features/state/reading.ts'
import { StateKeeper } from '../../src/features/state/state-keeper.ts'
import { mostSteps, stepMsOf } from '../../src/features/state/steps/step-layout.ts'
import { isExactAt, truncatedOf } from '../../src/features/state/timing.ts'
import { DAY_MS } from '../../src/foundation/days.ts'
import { SMALL_FIT, smallSettings } from '../oracle/random-histories.ts'

/** One merchant of a large bank. */
export interface HotMerchant {
  readonly perDay: number
  readonly days: number
  /** How many of its payments are compared, the last among them. */
  readonly compared: number
}

const WINDOWS = { '1h': DAY_MS / 24, '1d': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS }
const RISK_WINDOWS = ['1d', '7d', '30d'] as const
const DELAY_MS = 7 * DAY_MS
/** Some frauds are told two days after the payment was taken for genuine. */
const CORRECTED_MS = 9 * DAY_MS
/** As the defaults have it. */
const RING = 65_536
const START_MS = Date.UTC(2026, 0, 1)

/**
 * Law: of a merchant whose payments are far more than its ring holds, every window has what a database says,
 * but for at most the payments within half a step of an edge; its memory is bounded; labels that are due long
 * after their payments have left the ring are applied, corrections too.
 */
export const hotEntityIsRight = (merchant: HotMerchant): void => {
  const pace = `${merchant.perDay} payments a day for ${merchant.days} days`
  test(`${pace}: windows and risk are right within half a step, in bounded memory`, async () => {
    await withDatabase({ threads: 2, memoryLimit: '4GB', tempDirectory: '' }, async (connection) => {
      await makePayments(connection, merchant)
      const run = await drive(connection, merchant)
      const { layout, state, samples } = run
      expect(run.unapplied).toBe(0)
      expect(truncatedOf(state)).toBe(merchant.perDay * merchant.days - RING)
      expect(isExactAt(layout, state, samples.at(-1)!.timeMs)).toBe(false)
      expect(state.past!.steps).toBeLessThanOrEqual(Math.min(mostSteps(layout), merchant.days * 24))
      // Beyond the ring it is some kilobytes, whatever comes.
      expect(state.past!.words * 8).toBeLessThan(mostSteps(layout) * 8 * 8)
      const bytes = encodeState(layout, state)
      const again = encodeState(layout, decodeState(layout, separateBlocks, bytes, 'merchant'))
      expect(Buffer.compare(again, bytes)).toBe(0)

      const exact = await exactly(connection, samples, stepMsOf(layout))
      let approximate = 0
      for (const [n, sample] of samples.entries()) {
        for (const [what, { value, edge }] of exact[n]!) {
          const got = sample.values.get(what)!
          if (got !== value) approximate++
          if (Math.abs(got - value) <= edge) continue
          expect.fail(`payment ${sample.row}: ${what} is ${got}, exactly ${value}, ${edge} at its edges`)
        }
      }
      expect(approximate).toBeGreaterThan(0)
      // A share is as right as what it is made of: the risk of a month is off by less than a hundredth of it.
      const last = new Map([...exact.at(-1)!].map(([what, { value }]) => [what, value]))
      for (const window of RISK_WINDOWS) {
        const share = (values: ReadonlyMap<string, number>): number =>
          values.get(`frauds ${window}`)! / values.get(`labelled ${window}`)!
        expect(share(last)).toBeGreaterThan(0)
        expect(Math.abs(share(samples.at(-1)!.values) / share(last) - 1)).toBeLessThan(0.1)
      }
    })
  }, 1_800_000)
}

/** Busy days and quiet nights; amounts in minor units; frauds of a rate that changes by day. */
const makePayments = (connection: DuckDBConnection, { perDay, days }: HotMerchant): Promise<unknown> =>
  connection.run(`CREATE TABLE payments AS
    WITH numbered AS (SELECT range AS n, range % ${perDay} / ${perDay} AS u, floor(range / ${perDay}) AS day FROM range(${perDay * days}))
    SELECT n, ${START_MS} + (day * ${DAY_MS} + ${DAY_MS} * (u + sin(2 * pi() * u) / 8))::BIGINT AS t,
      1 + hash(n) % 50000 AS amount, (hash(n + 7) % 1000 < 3 + day % 5 * 4)::INTEGER AS fraud,
      (hash(n + 13) % 500 = 0)::INTEGER AS corrected
    FROM numbered ORDER BY n`)

interface Sample {
  readonly row: number
  readonly timeMs: number
  readonly values: ReadonlyMap<string, number>
}

const drive = async (connection: DuckDBConnection, { perDay, days, compared }: HotMerchant) => {
  const columns = await connection.runAndReadAll(
    'SELECT t::DOUBLE, amount::DOUBLE, fraud::DOUBLE, corrected::DOUBLE FROM payments ORDER BY n',
  )
  const [t, amount, fraud, corrected] = columns.getColumns() as number[][]
  const engineer = new FeatureEngineer(hotSettings(), SMALL_FIT, separateBlocks)
  const { event } = engineer
  const layout: StateLayout = engineer.plan.layouts['merchant']!
  const keeper = new StateKeeper(layout, separateBlocks, event)
  const state: EntityState = keeper.create()
  const reading = new EntityReading(layout)
  const rows = perDay * days
  const every = Math.floor(rows / 2 / compared)
  const samples: Sample[] = []
  let unapplied = 0
  let due = 0
  let corrections = 0
  for (let row = 0; row < rows; row++) {
    const now = t![row]!
    for (; t![due]! + DELAY_MS <= now; due++)
      if (!keeper.label(state, t![due]!, due + 1, fraud![due] === 1)) unapplied++
    for (; t![corrections]! + CORRECTED_MS <= now; corrections++) {
      if (corrected![corrections] === 0) continue
      if (!keeper.label(state, t![corrections]!, corrections + 1, true, fraud![corrections] === 1))
        unapplied++
    }
    event.eventTimeMs = now
    event.amountMinor = amount![row]!
    event.transactionToken = row + 1
    keeper.read(state, event, reading)
    if (row === rows - 1 || (row > rows / 2 && row % every === 0))
      samples.push({ row, timeMs: now, values: valuesOf(reading) })
    keeper.advance(state, event)
  }
  return { layout, state, samples, unapplied }
}

const valuesOf = (reading: EntityReading): Map<string, number> =>
  new Map([
    ...reading.windows.flatMap(({ name, count, totalMinor }): [string, number][] => [
      [`count ${name}`, count],
      [`total ${name}`, totalMinor],
    ]),
    ...reading.risk.flatMap(({ name, labelled, frauds }): [string, number][] => [
      [`labelled ${name}`, labelled],
      [`frauds ${name}`, frauds],
    ]),
  ])

/** What a database says of each window, and how much of it lies within half a step of an edge. */
const exactly = async (connection: DuckDBConnection, samples: readonly Sample[], stepMs: number) => {
  // No two payments are of one moment.
  await connection.run(`CREATE TABLE sums AS
    SELECT t, count(*) OVER so_far AS c, (sum(amount) OVER so_far)::BIGINT AS a, (sum(fraud) OVER so_far)::BIGINT AS f,
      (sum(corrected * (1 - fraud)) OVER so_far)::BIGINT AS x
    FROM payments WINDOW so_far AS (ORDER BY t ROWS UNBOUNDED PRECEDING)`)
  const edges = [...new Set(samples.flatMap(({ timeMs }) => edgesOf(timeMs, stepMs)))]
  const result = await connection.runAndReadAll(`
    SELECT e.t, coalesce(c, 0)::DOUBLE, coalesce(a, 0)::DOUBLE, coalesce(f, 0)::DOUBLE, coalesce(x, 0)::DOUBLE
    FROM (SELECT unnest([${edges.join(', ')}])::BIGINT AS t) e ASOF LEFT JOIN sums ON e.t >= sums.t`)
  const rows = result.getRows() as [bigint, number, number, number, number][]
  const known = new Map(
    rows.map(([t, count, amount, fraud, late]) => [Number(t), { count, amount, fraud, late }]),
  )
  const between = (what: keyof Sums, from: number, to: number): number =>
    known.get(to)![what] - known.get(from)![what]
  return samples.map(({ timeMs: now }) => {
    const near = (what: keyof Sums, ...at: number[]): number =>
      at.reduce((sum, edge) => sum + between(what, edge - stepMs / 2, edge + stepMs / 2), 0)
    const knownBy = now - DELAY_MS
    return new Map([
      ...Object.entries(WINDOWS).flatMap(([name, ms]) => {
        const of = (what: keyof Sums) => ({ value: between(what, now - ms, now), edge: near(what, now - ms) })
        return [[`count ${name}`, of('count')] as const, [`total ${name}`, of('amount')] as const]
      }),
      ...RISK_WINDOWS.flatMap((name) => {
        const from = knownBy - WINDOWS[name]
        const edge = near('count', from, knownBy)
        const corrected = Math.max(0, between('late', from, Math.max(from, now - CORRECTED_MS)))
        const frauds = between('fraud', from, knownBy) + corrected
        const labelled = between('count', from, knownBy)
        return [
          [`labelled ${name}`, { value: labelled, edge }] as const,
          [`frauds ${name}`, { value: frauds, edge }] as const,
        ]
      }),
    ])
  })
}

/** Up to a moment: payments, their amounts, frauds told at once, and those told later. */
interface Sums {
  readonly count: number
  readonly amount: number
  readonly fraud: number
  readonly late: number
}

/** Every moment that is asked for of a payment at `now`. */
const edgesOf = (now: number, stepMs: number): number[] => {
  const windows = Object.values(WINDOWS).map((ms) => now - ms)
  const risk = RISK_WINDOWS.map((name) => now - DELAY_MS - WINDOWS[name])
  const around = [...windows, ...risk, now - DELAY_MS]
  const all = [...around, ...around.map((at) => at - stepMs / 2), ...around.map((at) => at + stepMs / 2)]
  return [...all, now, now - CORRECTED_MS]
}

const hotSettings = (): FeatureSettings => {
  const limits = { ringEvents: RING, dimensionValues: 64, latenessMs: DAY_MS, labelDelayMs: DELAY_MS }
  const windows = Object.keys(WINDOWS)
  return {
    ...smallSettings(),
    options: { ...smallSettings().options, windows, riskWindows: RISK_WINDOWS },
    windowMs: new Map(Object.entries(WINDOWS)),
    limits: { user: limits, merchant: limits, device: limits },
    include: [
      ...windows.flatMap((name) => [`merchant_tx_count_${name}`, `merchant_mean_amount_${name}`]),
      ...RISK_WINDOWS.map((name) => `merchant_risk_${name}`),
    ],
  }
}
