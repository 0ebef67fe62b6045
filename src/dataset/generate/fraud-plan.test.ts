import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { GenerateSchema, type GenerateSettings } from '../../config/sections/generate.ts'
import { ROW_FIELDS, type RowField } from './event-buffer.ts'
import { allRows } from './raw-column-power.ts'
import { prepareSimulation, type Simulation } from './simulation.ts'
import { SECONDS_PER_DAY } from './spending.ts'
import { FRAUD_PATTERNS, type FraudPattern } from './vocabulary.ts'

type Overrides = Record<string, unknown>

const SEEDS = [11, 12, 13]
const WINDOW_DAYS = 20

/** The bank on which half of the frauds at compromised merchants once lay in three weeks. */
const LARGE = { rows: 2_600_000, users: 20_000, merchants: 2000, days: 260 }
const BANKS: Readonly<Record<string, Overrides>> = {
  large: LARGE,
  'as by default': {},
  'of a year, half of the rows frauds': {
    rows: 20_000,
    users: 300,
    merchants: 100,
    days: 365,
    fraud_rate: 0.5,
  },
  'of 30 days and 12 merchants': { rows: 20_000, users: 200, merchants: 12, days: 30, fraud_rate: 0.03 },
  'of 21 days and one merchant': { rows: 8000, users: 20, merchants: 1, days: 21, fraud_rate: 0.03 },
  'with bursts of a month and windows of a year': {
    rows: 20_000,
    users: 400,
    merchants: 150,
    days: 45,
    fraud_rate: 0.05,
    patterns: {
      amount_burst: { window_hours: 720 },
      account_takeover: { window_hours: 100 },
      stolen_card: { window_minutes: 3000 },
      impossible_travel: { window_minutes: 900 },
      compromised_merchant: { window_days: 365 },
    },
  },
}

test.each(Object.entries(BANKS))(
  'a bank %s: any 20 days have as many frauds of each pattern as any others, within Poisson bounds',
  (_, bank) => {
    for (const seed of SEEDS) {
      const simulation = simulate(bank, seed)
      const { days } = simulation.world.settings
      for (const [pattern, perDay] of plannedPerDay(simulation)) {
        const total = sum(perDay)
        const expected = (total * WINDOW_DAYS) / days
        const counts = perDay
          .slice(0, days - WINDOW_DAYS + 1)
          .map((_, day) => sum(perDay.slice(day, day + WINDOW_DAYS)))
        const beyond = counts.filter((count) => Math.abs(count - expected) > 4 * Math.sqrt(expected))
        expect(total).toBeGreaterThan(8)
        expect(beyond, `${pattern}, seed ${seed}, expected ${expected}`).toEqual([])
      }
    }
  },
)

test('the rows have on each day the frauds that are planned, whatever drifts', () => {
  for (const kind of ['none', 'amount', 'merchants', 'concept'])
    for (const name of ['of 30 days and 12 merchants', 'with bursts of a month and windows of a year']) {
      const drift = { kind, from_day: 7, strength: 0.7 }
      const simulation = simulate({ ...BANKS[name], drift }, 11)
      const calm = plannedPerDay(simulate(BANKS[name]!, 11))
      expect(plannedPerDay(simulation)).toEqual(calm)
      expect(happenedPerDay(simulation)).toEqual(calm)
    }
})

test('the first and the last days expect as many frauds of each pattern as the others', () => {
  const banks = 600
  const days = 12
  const bank = { rows: 3000, users: 60, merchants: 40, days, fraud_rate: 0.06 }
  const perDay = new Map(FRAUD_PATTERNS.map((pattern) => [pattern, Array<number>(days).fill(0)]))
  for (let seed = 0; seed < banks; seed++)
    for (const [pattern, counts] of plannedPerDay(simulate(bank, seed)))
      counts.forEach((count, day) => {
        perDay.get(pattern)![day]! += count
      })
  for (const [pattern, counts] of perDay) {
    const expected = sum(counts) / days
    // Events of one act come together: the variance is at most the longest act's times that of Poisson.
    const bound = 4 * Math.sqrt(expected * LONGEST_ACT[pattern])
    expect(
      counts.filter((count) => Math.abs(count - expected) > bound),
      pattern,
    ).toEqual([])
    expect(bound).toBeLessThan(expected / 3)
  }
})

const LONGEST_ACT: Readonly<Record<FraudPattern, number>> = {
  amount_burst: 6,
  stolen_card: 9,
  account_takeover: 5,
  impossible_travel: 2,
  compromised_merchant: 1,
  odd_hours: 3,
}

test('no compromised merchant takes much of the pattern, nor more than its honest volume asks for', () => {
  for (const seed of SEEDS) {
    const simulation = simulate(LARGE, seed)
    const { world, plan, honestPerDay } = simulation
    const { windows } = plan
    const total = sum(windows.map(({ frauds }) => frauds))
    expect(Math.max(...windows.map(({ frauds }) => frauds))).toBeLessThan(0.05 * total)
    expect(new Set(windows.map(({ merchant }) => merchant)).size).toBeGreaterThan(50)
    let honest = 0
    for (const { merchant, firstDay, lastDay, frauds } of windows) {
      expect(lastDay - firstDay).toBe(21)
      const share = world.merchants.popularity[merchant]! / world.merchants.totalPopularity
      const volume = share * sum([...honestPerDay.slice(Math.max(0, firstDay), lastDay)])
      honest += volume
      // The multiple is 1, give or take a half; then which merchant a day's fraud goes to is chance.
      const most = 1.5 * Math.max(volume, 5)
      expect(frauds).toBeLessThan(most + 4 * Math.sqrt(most))
    }
    expect(total / (total + honest)).toBeGreaterThan(0.4)
    expect(total / (total + honest)).toBeLessThan(0.6)
  }
})

test('merchants are compromised before the data begin and after they end', () => {
  const { windows } = simulate(LARGE, 11).plan
  expect(windows.filter(({ firstDay }) => firstDay < 0).length).toBeGreaterThan(2)
  expect(windows.filter(({ lastDay }) => lastDay > LARGE.days).length).toBeGreaterThan(2)
  expect(windows.every(({ firstDay, lastDay }) => lastDay > 0 && firstDay < LARGE.days)).toBe(true)
})

test('a merchant is compromised once at a time', () => {
  for (let seed = 0; seed < 40; seed++) {
    const { windows } = simulate({ ...BANKS['of 30 days and 12 merchants'], fraud_rate: 0.2 }, seed).plan
    for (const one of windows)
      for (const other of windows)
        if (one !== other && one.merchant === other.merchant)
          expect(one.lastDay <= other.firstDay || other.lastDay <= one.firstDay).toBe(true)
  }
})

test('drift of amounts changes amounts and nothing else, from its day on, frauds begun earlier included', () => {
  const bank = BANKS['with bursts of a month and windows of a year']!
  const drift = { kind: 'amount', from_day: 20, strength: 2 }
  const calm = allRows(simulate(bank, 12))
  const drifted = allRows(simulate({ ...bank, drift }, 12))
  const { second, amountMinor, pattern } = calm.columns
  const changed = ROW_FIELDS.filter((field) =>
    columnOf(calm, field).some((value, row) => value !== drifted.columns[field][row]),
  )
  expect(changed).toEqual(['amountMinor'])
  const ratio = (row: number) => drifted.columns.amountMinor[row]! / amountMinor[row]!
  const rows = [...Array(calm.length).keys()]
  const before = rows.filter((row) => second[row]! < 20 * SECONDS_PER_DAY)
  expect(before.filter((row) => ratio(row) !== 1)).toEqual([])
  // Cheap things are rounded to a price, and cash to tens.
  const dear = rows.filter((row) => second[row]! >= 20 * SECONDS_PER_DAY && amountMinor[row]! > 10_000)
  expect(dear.filter((row) => Math.abs(ratio(row) - 3) > 0.2)).toEqual([])
  expect(dear.filter((row) => pattern[row]! > 0).length).toBeGreaterThan(100)
})

test('drift of the concept leaves honest transactions as they are', () => {
  const bank = BANKS['of 30 days and 12 merchants']!
  const drift = { kind: 'concept', from_day: 10, strength: 1 }
  const honestRows = (simulation: Simulation) => {
    const rows = allRows(simulation)
    const fields = ['second', 'customer', 'merchant', 'amountMinor', 'device', 'city'] as const
    return [...Array(rows.length).keys()]
      .filter((row) => rows.columns.pattern[row] === 0)
      .map((row) => fields.map((field) => rows.columns[field][row]))
  }
  expect(honestRows(simulate({ ...bank, drift }, 12))).toEqual(honestRows(simulate(bank, 12)))
})

const settingsOf = (overrides: Overrides): GenerateSettings =>
  Value.Default(GenerateSchema, structuredClone(overrides)) as GenerateSettings

const simulate = (overrides: Overrides, seed: number): Simulation => {
  const settings = settingsOf(overrides)
  return prepareSimulation(settings, seed, settings.rows)
}

type PerDay = ReadonlyMap<FraudPattern, readonly number[]>

const plannedPerDay = ({ world, plan }: Simulation): PerDay => {
  const perDay = emptyDays(world.settings.days)
  for (const episode of plan.byDay.flat())
    for (let i = 0; i < episode.events; i++) {
      const day = 'seconds' in episode ? Math.floor(episode.seconds[i]! / SECONDS_PER_DAY) : episode.day
      perDay.get(episode.pattern)![day]!++
    }
  return perDay
}

const happenedPerDay = (simulation: Simulation): PerDay => {
  const perDay = emptyDays(simulation.world.settings.days)
  const { columns, length } = allRows(simulation)
  for (let row = 0; row < length; row++) {
    const pattern = FRAUD_PATTERNS[columns.pattern[row]! - 1]
    if (pattern !== undefined) perDay.get(pattern)![Math.floor(columns.second[row]! / SECONDS_PER_DAY)]!++
  }
  return perDay
}

const emptyDays = (days: number): Map<FraudPattern, number[]> =>
  new Map(FRAUD_PATTERNS.map((pattern) => [pattern, Array<number>(days).fill(0)]))

const columnOf = (rows: ReturnType<typeof allRows>, field: RowField): Float64Array =>
  rows.columns[field].slice(0, rows.length)

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
