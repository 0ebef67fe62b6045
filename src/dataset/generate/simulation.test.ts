import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { GenerateSchema, type GenerateSettings } from '../../config/sections/generate.ts'
import { duplicatesOf, inArrivalOrder } from './arrival.ts'
import { distanceKm } from './cities.ts'
import { cardOf, desktopOf, NIGHT_OWL, phoneOf, tabletOf } from './customers.ts'
import { EventBuffer, OPTIONAL_VALUES, ROW_FIELDS, type RowField } from './event-buffer.ts'
import { allRows as drawRows, rawColumnPower } from './raw-column-power.ts'
import { prepareSimulation, type Simulation, simulateDays } from './simulation.ts'
import { FRAUD_PATTERNS, type FraudPattern } from './vocabulary.ts'

test('the number of transactions is met exactly, whatever days and customers', () => {
  for (const rows of [1, 7, 999, 12_345])
    for (const days of [1, 30]) expect(allRows(simulate({ rows, days, users: 40 })).length).toBe(rows)
})

test('days come in time order and number their transactions in it', () => {
  const rows = allRows(simulate({ rows: 5000 }))
  for (let row = 1; row < rows.length; row++) {
    expect(rows.columns.second[row]!).toBeGreaterThanOrEqual(rows.columns.second[row - 1]!)
    expect(rows.columns.transaction[row]).toBe(row + 1)
  }
})

test('fraud_rate is met within a binomial bound, for every mix of patterns', () => {
  const mixes = [...FRAUD_PATTERNS.map((pattern) => only(pattern)), {}]
  for (const patterns of mixes)
    for (const fraud_rate of [0, 0.003, 0.05]) {
      const rows = allRows(simulate({ rows: 20_000, fraud_rate, patterns }))
      const expected = 20_000 * fraud_rate
      const fourDeviations = 4 * Math.sqrt(expected * (1 - fraud_rate))
      expect(Math.abs(frauds(rows).length - expected)).toBeLessThanOrEqual(fourDeviations)
    }
})

test('patterns share the frauds as configured', () => {
  const rows = allRows(simulate({ rows: 40_000, fraud_rate: 0.05 }))
  const total = frauds(rows).length
  const { patterns } = settingsOf({})
  for (const pattern of FRAUD_PATTERNS)
    expect(fraudsOf(rows, pattern).length / total).toBeCloseTo(patterns[pattern].share, 2)
})

test('a pattern alone makes only its own frauds', () => {
  for (const pattern of FRAUD_PATTERNS) {
    const rows = allRows(simulate({ rows: 10_000, patterns: only(pattern) }))
    expect(fraudsOf(rows, pattern).length).toBe(frauds(rows).length)
  }
})

test('amount burst: the amount is above what this customer pays at such merchants, by the configured multiple', () => {
  const world = simulate({ rows: 40_000, fraud_rate: 0.05 })
  const rows = allRows(world)
  const surprise = (row: number) =>
    Math.log(rows.columns.amountMinor[row]!) - expectedLogAmount(world, rows, row)
  const bursts = mean(fraudsOf(rows, 'amount_burst').map(surprise))
  // Multiples are uniform from 3 to 10: mean logarithm 1.82 = ln 6.2.
  expect(bursts).toBeGreaterThan(Math.log(5.5))
  expect(bursts).toBeLessThan(Math.log(7))
  expect(Math.abs(mean(honest(rows).map(surprise)))).toBeLessThan(0.1)
})

test('stolen card: within 40 minutes, small tests from one foreign device and then larger amounts', () => {
  const rows = allRows(simulate({ rows: 40_000, fraud_rate: 0.05 }))
  const episodes = [
    ...groupBy(fraudsOf(rows, 'stolen_card'), (row) => rows.columns.device[row]!).values(),
  ].filter((episode) => episode.length >= 4)
  expect(episodes.length).toBeGreaterThan(40)
  for (const episode of episodes) {
    const seconds = episode.map((row) => rows.columns.second[row]!)
    expect(Math.max(...seconds) - Math.min(...seconds)).toBeLessThanOrEqual(40 * 60)
    expect(new Set(episode.map((row) => rows.columns.customer[row])).size).toBe(1)
  }
  const amounts = (pick: (episode: readonly number[]) => number) =>
    median(episodes.map((episode) => rows.columns.amountMinor[pick(episode)]!))
  expect(amounts((episode) => episode[0]!)).toBeLessThan(500)
  expect(amounts((episode) => episode.at(-1)!)).toBeGreaterThan(5000)
})

test("account takeover: a device that is none of the holder's, shared by several victims within a week", () => {
  const world = simulate({ rows: 40_000, fraud_rate: 0.05 })
  const rows = allRows(world)
  const takeovers = fraudsOf(rows, 'account_takeover')
  for (const row of takeovers) expect(isOwnDevice(world, rows, row)).toBe(false)
  const victims = [...groupBy(takeovers, (row) => rows.columns.device[row]!).values()].map(
    (group) => new Set(group.map((row) => rows.columns.customer[row])).size,
  )
  expect(mean(victims)).toBeGreaterThan(1.5)
  for (const group of groupBy(takeovers, (row) => rows.columns.device[row]!).values())
    expect(rows.columns.second[group.at(-1)!]! - rows.columns.second[group[0]!]!).toBeLessThan(8 * 86_400)
})

test('impossible travel: the holder paid within the hour before, and nobody flies that fast (over 900 km/h)', () => {
  const rows = allRows(simulate({ rows: 40_000, fraud_rate: 0.05 }))
  const { second, customer, latitude, longitude } = rows.columns
  const travels = fraudsOf(rows, 'impossible_travel')
  expect(travels.length).toBeGreaterThan(100)
  for (const row of travels) {
    let fastest = 0
    for (let before = row - 1; before >= 0 && second[row]! - second[before]! <= 3600; before--)
      if (customer[before] === customer[row]) {
        const km = distanceKm(latitude[row]!, longitude[row]!, latitude[before]!, longitude[before]!)
        const hours = (second[row]! - second[before]!) / 3600
        fastest = Math.max(fastest, km / hours)
      }
    expect(fastest).toBeGreaterThan(900)
  }
})

test('compromised merchant: all its frauds lie in its window, where about half of its transactions are frauds', () => {
  const world = simulate({ rows: 60_000, fraud_rate: 0.05 })
  const rows = allRows(world)
  const { windows } = world.plan
  const inWindow = (row: number) =>
    windows.some(
      ({ merchant, firstDay, lastDay }) =>
        rows.columns.merchant[row] === merchant &&
        rows.columns.second[row]! >= firstDay * 86_400 &&
        rows.columns.second[row]! < lastDay * 86_400,
    )
  const compromised = fraudsOf(rows, 'compromised_merchant')
  expect(compromised.length).toBeGreaterThan(100)
  expect(compromised.every(inWindow)).toBe(true)
  const honestThere = honest(rows).filter(inWindow).length
  const share = compromised.length / (compromised.length + honestThere)
  expect(share).toBeGreaterThan(0.3)
  expect(share).toBeLessThan(0.7)
})

test('odd hours: between one and five at night, by customers who are no night owls', () => {
  const world = simulate({ rows: 40_000, fraud_rate: 0.05 })
  const rows = allRows(world)
  for (const row of fraudsOf(rows, 'odd_hours')) {
    const hour = (rows.columns.second[row]! % 86_400) / 3600
    expect(hour >= 1 && hour < 5).toBe(true)
    expect(world.world.customers.rhythm[rows.columns.customer[row]!]).not.toBe(NIGHT_OWL)
  }
})

test('honest customers resemble frauds too: strange devices, far places, nights, big and tiny amounts, velocity', () => {
  const world = simulate({ rows: 40_000 })
  const rows = allRows(world)
  const { second, customer, city, amountMinor } = rows.columns
  const share = (has: (row: number) => boolean) => honest(rows).filter(has).length / rows.length
  expect(share((row) => !isOwnDevice(world, rows, row))).toBeGreaterThan(0.0005)
  expect(share((row) => city[row] !== world.world.customers.homeCity[customer[row]!])).toBeGreaterThan(0.01)
  expect(share((row) => second[row]! % 86_400 > 3600 && second[row]! % 86_400 < 5 * 3600)).toBeGreaterThan(
    0.01,
  )
  expect(share((row) => amountMinor[row]! < 500)).toBeGreaterThan(0.01)
  const surprise = (row: number) => Math.log(amountMinor[row]!) - expectedLogAmount(world, rows, row)
  expect(share((row) => surprise(row) > Math.log(4))).toBeGreaterThan(0.01)
})

test('no raw column gives fraud away: alone, each stays under an area of 0.75', () => {
  for (const { column, auc } of rawColumnPower(simulate({ rows: 150_000, users: 3000, merchants: 900 })))
    expect.soft(auc, column).toBeLessThan(0.75)
})

test('optional values are missing at their rates, alike in both classes', () => {
  const missing = Object.fromEntries(OPTIONAL_VALUES.map((name) => [name, 0.1]))
  const rows = allRows(simulate({ rows: 40_000, fraud_rate: 0.2, missing }))
  OPTIONAL_VALUES.forEach((_, bit) => {
    const share = (of: readonly number[]) =>
      of.filter((row) => rows.columns.missing[row]! & (1 << bit)).length / of.length
    expect(Math.abs(share(frauds(rows)) - 0.1)).toBeLessThan(0.015)
    expect(Math.abs(share(honest(rows)) - 0.1)).toBeLessThan(0.01)
  })
  const complete = Object.fromEntries(OPTIONAL_VALUES.map((name) => [name, 0]))
  expect(Math.max(...column(allRows(simulate({ rows: 1000, missing: complete })), 'missing'))).toBe(0)
})

test('drift changes nothing before its day', () => {
  const calm = allRows(simulate({ rows: 20_000 }))
  for (const kind of ['amount', 'merchants', 'concept']) {
    const drifted = allRows(simulate({ rows: 20_000, drift: { kind, from_day: 20 } }))
    const before = calm.columns.second.findIndex((second) => second >= 20 * 86_400)
    for (const field of ROW_FIELDS)
      expect(drifted.columns[field].subarray(0, before)).toEqual(calm.columns[field].subarray(0, before))
    expect(ROW_FIELDS.every((field) => same(column(calm, field), column(drifted, field)))).toBe(false)
  }
})

test('drift of amounts raises them by its strength', () => {
  const after = (rows: EventBuffer) => median([...rows.columns.amountMinor.subarray(10_000, rows.length)])
  const drift = { kind: 'amount', from_day: 10, strength: 0.5 }
  const ratio = after(allRows(simulate({ rows: 20_000, drift }))) / after(allRows(simulate({ rows: 20_000 })))
  expect(ratio).toBeGreaterThan(1.4)
  expect(ratio).toBeLessThan(1.6)
})

test('drift of merchants moves purchases online', () => {
  const drift = { kind: 'merchants', from_day: 0, strength: 0.5 }
  const online = (world: Simulation) => {
    const rows = allRows(world)
    return mean([...column(rows, 'merchant')].map((merchant) => world.world.merchants.online[merchant]!))
  }
  expect(online(simulate({ rows: 20_000, drift })) - online(simulate({ rows: 20_000 }))).toBeGreaterThan(0.15)
})

test("drift of the concept takes the traces away: takeovers come from the holder's own device", () => {
  const drift = { kind: 'concept', from_day: 0, strength: 1 }
  const world = simulate({ rows: 20_000, patterns: only('account_takeover'), drift })
  const rows = allRows(world)
  const own = frauds(rows).filter((row) => isOwnDevice(world, rows, row)).length / frauds(rows).length
  expect(own).toBeGreaterThan(0.9)
})

test('disorder: rows come in arrival order, late within the bound, and exactly as many twice as asked', () => {
  const disorder = { late_share: 0.2, duplicate_share: 0.05, maximum_lateness_hours: 24 }
  const rows = arrivals({ rows: 20_000, disorder })
  expect(rows.length).toBe(20_000)
  const { arrival, second, transaction } = rows.columns
  let lateness = 0
  for (let row = 0; row < rows.length; row++) {
    if (row > 0) expect(arrival[row]!).toBeGreaterThanOrEqual(arrival[row - 1]!)
    lateness = Math.max(lateness, arrival[row]! - second[row]!)
  }
  // A duplicate is late after a first that may have been late: twice the bound, and a second for each.
  expect(lateness).toBeLessThanOrEqual(2 * (24 * 3600 + 1))
  const late = [...second.subarray(0, rows.length)].filter((value, row) => arrival[row]! > value).length
  expect(late / rows.length).toBeGreaterThan(0.18)
  expect(rows.length - new Set(transaction.subarray(0, rows.length)).size).toBe(1000)
})

test('disorder: a transaction sent again says the same as the first time', () => {
  const rows = arrivals({ rows: 5000, disorder: { duplicate_share: 0.5 } })
  const groups = [
    ...groupBy([...Array(rows.length).keys()], (row) => rows.columns.transaction[row]!).values(),
  ]
  expect(groups.every((group) => group.length === 2)).toBe(true)
  for (const [first, again] of groups as [number, number][])
    for (const field of ROW_FIELDS)
      if (field !== 'arrival') expect(rows.columns[field][again]).toBe(rows.columns[field][first])
})

test('disorder: some customers act twice within a second', () => {
  const rows = allRows(simulate({ rows: 20_000, disorder: { same_second_share: 0.1 } }))
  const { customer, second } = rows.columns
  const twins = groupBy([...Array(rows.length).keys()], (row) => customer[row]! * 2 ** 30 + second[row]!)
  expect((rows.length - twins.size) / rows.length).toBeGreaterThan(0.08)
})

type Overrides = Record<string, unknown> & { rows?: number }

const settingsOf = (overrides: Overrides): GenerateSettings =>
  Value.Default(GenerateSchema, {
    rows: 10_000,
    users: 400,
    merchants: 200,
    days: 40,
    ...structuredClone(overrides),
  }) as GenerateSettings

/** Several tests look at the same world, and none changes it: it is drawn once. */
const drawn = new Map<string, Simulation>()
const simulate = (overrides: Overrides): Simulation => {
  const name = JSON.stringify(overrides)
  const known = drawn.get(name)
  if (known !== undefined) return known
  const settings = settingsOf(overrides)
  const simulation = prepareSimulation(settings, 1, settings.rows - duplicatesOf(settings))
  drawn.set(name, simulation)
  return simulation
}

const rowsOf = new WeakMap<Simulation, EventBuffer>()
const allRows = (simulation: Simulation): EventBuffer => {
  const rows = rowsOf.get(simulation) ?? drawRows(simulation)
  rowsOf.set(simulation, rows)
  return rows
}

const arrivals = (overrides: Overrides): EventBuffer => {
  const simulation = simulate(overrides)
  const rows = new EventBuffer()
  const { settings } = simulation.world
  const batches = inArrivalOrder(
    simulateDays(simulation),
    settings,
    simulation.transactions,
    simulation.random.fork('arrival'),
  )
  for (const { events, order } of batches) for (const row of order) rows.copy(events, row)
  return rows
}

const only = (pattern: FraudPattern): Record<string, { share: number }> =>
  Object.fromEntries(FRAUD_PATTERNS.map((name) => [name, { share: name === pattern ? 1 : 0 }]))

const rowsWhere = (rows: EventBuffer, has: (pattern: number) => boolean): readonly number[] =>
  [...Array(rows.length).keys()].filter((row) => has(rows.columns.pattern[row]!))
const frauds = (rows: EventBuffer) => rowsWhere(rows, (pattern) => pattern > 0)
const honest = (rows: EventBuffer) => rowsWhere(rows, (pattern) => pattern === 0)
const fraudsOf = (rows: EventBuffer, pattern: FraudPattern) =>
  rowsWhere(rows, (code) => code === 1 + FRAUD_PATTERNS.indexOf(pattern))

const expectedLogAmount = ({ world }: Simulation, rows: EventBuffer, row: number): number =>
  world.merchants.logPrice[rows.columns.merchant[row]!]! +
  0.7 * world.customers.logSpending[rows.columns.customer[row]!]!

const isOwnDevice = ({ world: { customers } }: Simulation, rows: EventBuffer, row: number): boolean => {
  const customer = rows.columns.customer[row]!
  const day = Math.floor(rows.columns.second[row]! / 86_400)
  return [
    cardOf(customer),
    phoneOf(customers, customer, day),
    phoneOf(customers, customer, 0),
    desktopOf(customer),
    tabletOf(customer),
  ].includes(rows.columns.device[row]!)
}

const column = (rows: EventBuffer, field: RowField): Float64Array =>
  rows.columns[field].subarray(0, rows.length)
const same = (a: Float64Array, b: Float64Array): boolean => a.every((value, i) => value === b[i])
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const groupBy = (rows: readonly number[], key: (row: number) => number): Map<number, number[]> => {
  const groups = new Map<number, number[]>()
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row])
  return groups
}
